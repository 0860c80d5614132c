import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'
import type { Config } from '../src/config/config.ts'
import { NAME_PATTERN } from '../src/core/names.ts'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl'

const CRON = 'a cron expression of 5 or 6 fields, such as "*/30 * * * *"'
const ISSUER = 'an https: URL without query, fragment or password (http: on loopback only)'
const LOOPBACK = 'a loopback address: 127.0.0.0/8, ::1 or localhost'
const REDIRECT_URI = 'an absolute URI without fragment, as it is registered'
const duration = (from: string, to: string) =>
  `a duration with its unit, such as "90s" or "10m", from ${from} to ${to}`

const native = { type: 'native', clientId: 'native-1', scopes: scopes('offline_access') }
const service = { type: 'service', clientId: 'service-1', scopes: scopes() }
const spa = { ...native, type: 'spa', redirectUris: ['http://localhost:5173/callback'] }
const web = { ...spa, type: 'web' }

function scopes(...more: string[]) {
  return ['evo.discovery', 'evo.workspace', ...more]
}

function accept(settings: object): Config {
  const result = parseConfig(JSON.stringify(settings))
  if (result.kind === 'bad') throw new Error(JSON.stringify(result.faults))
  return result.config
}

function appOf(app: object, others: object = {}) {
  const config = accept({ ...others, apps: { app } })
  return config.apps[0] ?? expect.unreachable()
}

/** Every fault as the line that a person reads. */
function faults(settings: unknown): string[] {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings)
  const result = parseConfig(text)
  return result.kind === 'bad'
    ? result.faults.map(({ path, message }) => `${path}: ${message}`)
    : []
}

function warnings(settings: object): string[] {
  const result = parseConfig(JSON.stringify(settings))
  if (result.kind === 'bad') throw new Error(JSON.stringify(result.faults))
  return result.warnings.map(({ path, message }) => `${path}: ${message}`)
}

describe('parseConfig', () => {
  it('gives a native app everything that it does not say', () => {
    expect(accept({ apps: { 'evo-me': native } })).toEqual({
      listen: { host: '127.0.0.1', port: 13860 },
      vaultKey: 'auto',
      logLevel: 'info',
      files: [],
      apps: [
        {
          name: 'evo-me',
          type: 'native',
          clientId: 'native-1',
          issuer: 'https://ims.bentley.com',
          endpoints: {},
          tokenEndpointAuthMethod: 'none',
          redirectUris: ['http://localhost:3000/signin-callback'],
          scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
          authorizationParameters: { prompt: 'consent' },
          refresh: { aheadMs: 600_000, retryMinMs: 5_000, retryMaxMs: 300_000 },
          sharesRedirectUri: false,
        },
      ],
    })
  })

  it('gives a service app no redirect URI and no authorization parameter', () => {
    expect(appOf({ ...service, reissue: '0 */30 * * * *' })).toMatchObject({
      redirectUris: [],
      authorizationParameters: {},
      reissue: '0 */30 * * * *',
    })
  })

  it.each([
    [native, 'none'],
    [spa, 'none'],
    [web, undefined],
    [service, undefined],
    [{ ...web, tokenEndpointAuthMethod: 'client_secret_basic' }, 'client_secret_basic'],
    [{ ...service, tokenEndpointAuthMethod: 'private_key_jwt' }, 'private_key_jwt'],
    [{ ...service, tokenEndpointAuthMethod: 'none' }, 'none'],
  ])('shows the secret of %o as %s', (app, method) => {
    expect(appOf(app).tokenEndpointAuthMethod).toBe(method)
  })

  it.each([
    ['90s', 90_000],
    ['12h', 43_200_000],
    ['none', null],
    [undefined, undefined],
  ])('takes %s for what a token lives where nothing says so', (accessTokenLifetime, ms) => {
    expect(appOf({ ...native, accessTokenLifetime }).accessTokenLifetimeMs).toBe(ms)
  })

  it('takes parameters for token requests, of every type of app', () => {
    const tokenParameters = { audience: 'https://api.example', resource: '' }
    for (const app of [native, spa, web, service]) {
      expect(appOf({ ...app, tokenParameters }).tokenParameters).toEqual(tokenParameters)
    }
    expect(appOf(native).tokenParameters).toBeUndefined()
  })

  it("lets an app's longest rest between renewals win over that of all", () => {
    const apps = { a: native, b: { ...service, refresh: { atLeast: '1h' } } }
    const rests = (refresh: object) =>
      accept({ refresh, apps }).apps.map((app) => app.refresh.atLeastMs)
    expect(rests({ atLeast: '30d' })).toEqual([2_592_000_000, 3_600_000])
    expect(rests({})).toEqual([undefined, 3_600_000])
  })

  it("lets an app's issuer and refresh settings win over those of all", () => {
    const refresh = { ahead: '2m', retryMin: '1s', retryMax: '1m', sessionAge: '30d' }
    const own = {
      ...native,
      issuer: 'https://other.example',
      refresh: { retryMax: '1.5 hours', sessionAge: '1h' },
    }
    const config = accept({ issuer: 'https://as.example', refresh, apps: { a: native, b: own } })
    expect(config.apps).toMatchObject([
      {
        issuer: 'https://as.example',
        refresh: {
          aheadMs: 120_000,
          retryMinMs: 1_000,
          retryMaxMs: 60_000,
          sessionAgeMs: 2_592_000_000,
        },
      },
      {
        issuer: 'https://other.example',
        refresh: {
          aheadMs: 120_000,
          retryMinMs: 1_000,
          retryMaxMs: 5_400_000,
          sessionAgeMs: 3_600_000,
        },
      },
    ])
  })

  it('takes endpoints for servers without metadata', () => {
    const endpoint = (name: string) => `https://as.example/${name}?tenant=1`
    const app = appOf({
      ...native,
      authorizationEndpoint: endpoint('authorize'),
      tokenEndpoint: endpoint('token'),
      revocationEndpoint: endpoint('revoke'),
      deviceAuthorizationEndpoint: endpoint('device'),
    })
    expect(app.endpoints).toEqual({
      authorization: endpoint('authorize'),
      token: endpoint('token'),
      revocation: endpoint('revoke'),
      deviceAuthorization: endpoint('device'),
    })
  })

  it('asks for consent with offline_access unless the config sets prompt', () => {
    const parameters = { authorizationParameters: { prompt: 'login', login_hint: 'me' } }
    expect(appOf({ ...native, ...parameters }).authorizationParameters).toEqual({
      prompt: 'login',
      login_hint: 'me',
    })
    const unrenewed = { ...native, scopes: scopes() }
    expect(appOf(unrenewed).authorizationParameters).toEqual({})
  })

  it('marks redirect URIs that apps of different issuers share, and only those', () => {
    const elsewhere = { ...native, issuer: 'https://as.example' }
    const shared = accept({ apps: { a: native, b: native, c: elsewhere, d: spa } })
    expect(shared.apps.map((app) => app.sharesRedirectUri)).toEqual([true, true, true, false])
    const alone = accept({ apps: { a: native, b: native } })
    expect(alone.apps.map((app) => app.sharesRedirectUri)).toEqual([false, false])
  })

  it('leads paths that begin with ~/ to the home directory', () => {
    const files = [{ app: 'app', path: '~/work/.env' }]
    const text = JSON.stringify({ ca: '~/ca.pem', files, apps: { app: native } })
    expect(parseConfig(text, '/home/me')).toMatchObject({
      config: { ca: '/home/me/ca.pem', files: [{ path: '/home/me/work/.env' }] },
    })
    expect(accept({ ca: '~/ca.pem' }).ca).toBe(join(homedir(), 'ca.pem'))
  })

  it('writes files as dotenv unless they name another format', () => {
    const file = { app: 'app', path: '/x' }
    const files = [file, { ...file, format: 'dotenv', variable: 'TOKEN' }]
    const others = [
      { ...file, path: '/y', format: 'raw' },
      { ...file, path: '/z', format: 'json' },
    ]
    expect(accept({ files: [...files, ...others], apps: { app: native } }).files).toEqual([
      { ...file, format: 'dotenv', variable: 'EVO_ACCESS_TOKEN' },
      { ...file, format: 'dotenv', variable: 'TOKEN' },
      ...others,
    ])
  })

  it.each(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])('logs at %s', (level) => {
    expect(accept({ log: { level } }).logLevel).toBe(level)
  })

  it('takes a command to notify with', () => {
    expect(accept({ notify: { command: ['notify-send', ''] } }).notify).toEqual({
      command: ['notify-send', ''],
      everyMs: 900_000,
    })
  })

  it.each(['127.0.0.1', '127.3.2.1', '::1', 'localhost'])('listens on %s', (host) => {
    expect(accept({ listen: { host, port: 0 } }).listen).toEqual({ host, port: 0 })
  })

  it('allows http: issuers on loopback and custom schemes for redirect URIs', () => {
    const local = { issuer: 'http://[::1]:9000/as', redirectUris: ['com.example.app:/callback'] }
    expect(appOf({ ...native, ...local })).toMatchObject(local)
    expect(appOf(native, { issuer: 'http://127.9.9.9:1' }).issuer).toBe('http://127.9.9.9:1')
  })

  it('takes app names that every object has as a property', () => {
    const config = accept({ apps: { constructor: native, valueof: service } })
    expect(config.apps.map(({ name }) => name)).toEqual(['constructor', 'valueof'])
  })

  it('reads past a byte order mark', () => {
    expect(parseConfig('\ufeff{}').kind).toBe('ok')
  })
})

describe('warnings', () => {
  it('are none for apps that ask for what Evo documents', () => {
    expect(warnings({ apps: { native, service, spa, web } })).toEqual([])
  })

  it('name the scopes that Evo always wants, for apps of its issuer alone', () => {
    const bare = { ...service, scopes: [] }
    expect(warnings({ apps: { bare } })).toEqual([
      expect.stringMatching(/^apps\.bare\.scopes: "evo\.discovery" is missing/),
      expect.stringMatching(/^apps\.bare\.scopes: "evo\.workspace" is missing/),
    ])
    expect(warnings({ issuer: 'https://as.example', apps: { bare } })).toEqual([])
  })

  it('say what an app without offline_access costs', () => {
    expect(warnings({ apps: { app: { ...native, scopes: scopes() } } })).toEqual([
      expect.stringMatching(/^apps\.app\.scopes: "offline_access" is missing: .*sign in each time/),
    ])
  })

  it('say nothing of renewal where a token does not end', () => {
    const app = { ...native, scopes: scopes(), accessTokenLifetime: 'none' }
    expect(warnings({ apps: { app } })).toEqual([])
  })

  it('say that no app is configured', () => {
    expect(warnings({})).toEqual(['apps: no app is configured; "evo-token init" adds one'])
  })
})

describe('faults', () => {
  it.each([
    ['no object', [], ': must be an object, not a list'],
    [
      'a wrong kind',
      { listen: { port: '1' } },
      'listen.port: must be a whole number from 0 to 65535, not a string',
    ],
    [
      'a port that is none',
      { listen: { port: 65536 } },
      'listen.port: must be a whole number from 0 to 65535, not this number',
    ],
    ['null', { log: null }, 'log: must be an object with level, not null'],
    [
      'a wrong choice',
      { vault: { key: 'keychian' } },
      'vault.key: must be one of auto, keychain, file, credential, not this string',
    ],
    [
      'an address of the network',
      { listen: { host: '0.0.0.0' } },
      `listen.host: must be ${LOOPBACK}, not this string`,
    ],
    [
      'a name that only begins like a loopback address',
      { listen: { host: '127.0.0.1.example' } },
      `listen.host: must be ${LOOPBACK}, not this string`,
    ],
    [
      'a duration without its unit',
      { refresh: { ahead: '10' } },
      `refresh.ahead: must be ${duration('1s', '1d')}, not this string`,
    ],
    [
      'a duration of an unknown unit',
      { refresh: { retryMin: '5 fortnights' } },
      `refresh.retryMin: must be ${duration('100ms', '1h')}, not this string`,
    ],
    [
      'a negative duration',
      { refresh: { retryMax: '-5m' } },
      `refresh.retryMax: must be ${duration('1s', '1d')}, not this string`,
    ],
    [
      'a duration out of bounds',
      { notify: { command: ['x'], every: '31d' } },
      `notify.every: must be ${duration('1s', '30d')}, not this string`,
    ],
    [
      'a duration that is too short',
      { refresh: { retryMin: '99ms' } },
      `refresh.retryMin: must be ${duration('100ms', '1h')}, not this string`,
    ],
    [
      'a duration as a number',
      { refresh: { ahead: 600 } },
      `refresh.ahead: must be ${duration('1s', '1d')}, not a number`,
    ],
    [
      'retries that cannot be',
      { refresh: { retryMin: '6m' } },
      'refresh.retryMin: must not be longer than retryMax',
    ],
    [
      'no command',
      { notify: { command: [] } },
      'notify.command: must be a list of strings: the program, then its arguments, not this list',
    ],
    [
      'a relative path',
      { ca: 'ca.pem' },
      'ca: must be an absolute path, or one that begins with "~/", not this string',
    ],
    ...[String.raw`C:\ca.pem`, String.raw`~\ca.pem`, String.raw`\\server\ca.pem`].map(
      (ca): [string, object, string] => [
        `a path of Windows, ${ca}, elsewhere`,
        { ca },
        'ca: must be an absolute path, or one that begins with "~/", not this string',
      ],
    ),
    [
      'a file of no app',
      { files: [{ app: 'x', path: '/x' }] },
      'files[0].app: must be the name of an app that "apps" has',
    ],
    [
      'a file of another format',
      { files: [{ app: 'app', path: '/x', format: 'yaml' }], apps: { app: native } },
      'files[0].format: must be one of raw, dotenv, json, not this string',
    ],
    [
      'a variable where none is written',
      { files: [{ app: 'app', path: '/x', format: 'raw', variable: 'A' }], apps: { app: native } },
      'files[0].variable: is a setting of dotenv files only: take it out',
    ],
    [
      'a variable that no shell takes',
      { files: [{ app: 'app', path: '/x', variable: '1A' }], apps: { app: native } },
      'files[0].variable: must be a variable name: letters, digits and "_", not this string',
    ],
    [
      'a file that is only a path',
      { files: ['/x'] },
      'files[0]: must be an object with app and path, not a string',
    ],
    [
      'an http: issuer elsewhere',
      { issuer: 'http://as.example' },
      `issuer: must be ${ISSUER}, not this string`,
    ],
    [
      'an http: issuer that only looks local',
      { issuer: 'http://localhost.example' },
      `issuer: must be ${ISSUER}, not this string`,
    ],
    [
      'a query in an issuer',
      { issuer: 'https://as.example/?a' },
      `issuer: must be ${ISSUER}, not this string`,
    ],
    [
      'a password in an issuer',
      { issuer: 'https://me:pass@as.example' },
      `issuer: must be ${ISSUER}, not this string`,
    ],
  ])('refuse %s', (_what, settings, line) => {
    expect(faults(settings)).toEqual([line])
  })

  it.each([
    [
      'no type',
      { clientId: 'a', scopes: [] },
      'type: is missing: it must be "native", "spa", "web" or "service"',
    ],
    [
      'another type',
      { ...native, type: 'Native' },
      'type: must be "native", "spa", "web" or "service", not this string',
    ],
    [
      'no client id',
      { type: 'native', scopes: [] },
      'clientId: is missing: it must be the client id of the registration',
    ],
    [
      'a placeholder for a client id',
      { ...native, clientId: 'native-…' },
      'clientId: must be the client id of the registration, not this string',
    ],
    [
      'scopes in one string',
      { ...native, scopes: ['a b'] },
      'scopes[0]: must be one scope per string, such as "evo.file", without spaces, not this string',
    ],
    [
      'a scope twice',
      { ...native, scopes: ['a', 'a'] },
      'scopes: must be a list of scopes, none of them twice, not this list',
    ],
    [
      'offline_access on a service app',
      { ...service, scopes: scopes('offline_access') },
      'scopes[2]: must be another scope than offline_access: service apps get a new token without it, not this string',
    ],
    [
      'a bad cron expression',
      { ...service, reissue: '61 * * * *' },
      `reissue: must be ${CRON}, not this string`,
    ],
    [
      'a cron nickname',
      { ...service, reissue: '@daily' },
      `reissue: must be ${CRON}, not this string`,
    ],
    [
      'a date that never comes',
      { ...service, reissue: '0 0 30 2 *' },
      `reissue: must be ${CRON}, not this string`,
    ],
    [
      'reissue with a sign-in',
      { ...native, reissue: '0 * * * *' },
      'reissue: is a setting of service apps only: take it out',
    ],
    [
      'a redirect URI of a service app',
      { ...service, redirectUris: ['http://localhost/'] },
      'redirectUris: is a setting of apps with a sign-in: service apps have none, take it out',
    ],
    [
      'a web app without redirect URI',
      { ...web, redirectUris: undefined },
      'redirectUris: is missing: it must be a list of at least one redirect URI',
    ],
    [
      'an empty list of redirect URIs',
      { ...spa, redirectUris: [] },
      'redirectUris: must be a list of at least one redirect URI, not this list',
    ],
    [
      'a relative redirect URI',
      { ...spa, redirectUris: ['/callback'] },
      `redirectUris[0]: must be ${REDIRECT_URI}, not this string`,
    ],
    [
      'a redirect URI with a fragment',
      { ...spa, redirectUris: ['http://localhost:1/#a'] },
      `redirectUris[0]: must be ${REDIRECT_URI}, not this string`,
    ],
    [
      'a redirect URI that a page would run',
      { ...spa, redirectUris: ['javascript:alert(1)'] },
      `redirectUris[0]: must be ${REDIRECT_URI}, not this string`,
    ],
    [
      'a secret for a public app',
      { ...spa, tokenEndpointAuthMethod: 'client_secret_post' },
      'tokenEndpointAuthMethod: must be "none": native and SPA apps have no client secret, not this string',
    ],
    [
      'a parameter that is ours',
      { ...native, authorizationParameters: { state: 'x' } },
      'authorizationParameters.state: evo-token sets this parameter itself',
    ],
    ...[
      'grant_type',
      'client_id',
      'client_assertion_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'device_code',
      'scope',
      'Scope',
    ].map((name): [string, object, string] => [
      `the token parameter ${name}`,
      { ...native, tokenParameters: { [name]: 'x' } },
      `tokenParameters.${name}: evo-token sets this parameter itself`,
    ]),
    [
      'a token parameter that is no string',
      { ...native, tokenParameters: { audience: ['a'] } },
      'tokenParameters.audience: must be a string, not a list',
    ],
    [
      'token parameters in a list',
      { ...native, tokenParameters: ['audience'] },
      'tokenParameters: must be an object of parameter names and strings, not a list',
    ],
    ...['forever', 'None', '0s', '300', 300].map((value): [string, object, string] => [
      `the lifetime ${JSON.stringify(value)}`,
      { ...native, accessTokenLifetime: value },
      `accessTokenLifetime: must be a duration with its unit, such as "90s" or "10m", from 1s to 3650d, or "none", not ${typeof value === 'string' ? 'this' : 'a'} ${typeof value}`,
    ]),
    [
      'a longest rest that is none',
      { ...native, refresh: { atLeast: 'none' } },
      'refresh.atLeast: must be a duration with its unit, such as "90s" or "10m", from 1s to 3650d, not this string',
    ],
    [
      'a misspelt setting',
      { ...native, tokenParameter: {} },
      'tokenParameter: unknown setting: did you mean "tokenParameters"?',
    ],
    [
      'a way to authenticate that there is not',
      { ...service, tokenEndpointAuthMethod: 'client_secret_jwt' },
      'tokenEndpointAuthMethod: must be "client_secret_post", "client_secret_basic", "private_key_jwt" or "none", not this string',
    ],
    [
      'a key for a public app',
      { ...native, tokenEndpointAuthMethod: 'private_key_jwt' },
      'tokenEndpointAuthMethod: must be "none": native and SPA apps have no client secret, not this string',
    ],
    [
      'retries that cannot be with those of all',
      { ...native, refresh: { retryMin: '6m' } },
      'refresh.retryMin: must not be longer than retryMax',
    ],
    [
      'an http: endpoint elsewhere',
      { ...native, tokenEndpoint: 'http://as.example/token' },
      'tokenEndpoint: must be an https: URL without fragment or password (http: on loopback only), not this string',
    ],
  ])('refuse an app with %s', (_what, app, line) => {
    expect(faults({ apps: { app } })).toEqual([`apps.app.${line}`])
  })

  it.each([
    ['vautl', { vautl: {} }, 'vautl: unknown setting: did you mean "vault"?'],
    [
      'client_id',
      { apps: { a: { ...native, client_id: 'x' } } },
      'apps.a.client_id: unknown setting: did you mean "clientId"?',
    ],
    [
      'redirectUri',
      { apps: { a: { ...spa, redirectUri: 'x' } } },
      'apps.a.redirectUri: unknown setting: did you mean "redirectUris"?',
    ],
    [
      'one that is near to nothing',
      { listen: { interface: 'lo' } },
      'listen.interface: unknown setting: known here are host, port',
    ],
  ])('name the known setting nearest to %s', (_key, settings, line) => {
    expect(faults(settings)).toEqual([line])
  })

  it('are told all at once, one line each', () => {
    const app = { type: 'service', clientId: 7, scope: [], reissue: '* *' }
    const lines = faults({ listen: { host: '::', port: -1 }, apps: { app, 'Bad Name': native } })
    expect(lines.map((line) => line.split(': ')[0])).toEqual([
      'listen.host',
      'listen.port',
      'apps.app.clientId',
      'apps.app.scopes',
      'apps.app.reissue',
      'apps.app.scope',
      'apps["Bad Name"]',
    ])
    expect(lines.join('')).not.toContain('\n')
  })

  it.each([
    ['the same variable', {}, {}, true],
    ['another variable', {}, { variable: 'OTHER' }, false],
    ['another format', {}, { format: 'raw' }, true],
    ['the token alone', { format: 'raw' }, { format: 'raw' }, true],
    ['another path', { format: 'raw' }, { format: 'raw', path: '~/token' }, false],
  ])('refuse two files of one path, written with %s: %o %o', (_what, one, other, refused) => {
    const path = join(homedir(), '.env')
    const files = [
      { app: 'app', path: '~/.env', ...one },
      { app: 'app', path: path.replace(/(?=[^/]+$)/, './'), ...other },
    ]
    expect(faults({ files, apps: { app: native } })).toEqual(
      refused
        ? [
            'files[1]: writes over what another one writes: give it its own path, or (dotenv) variable',
          ]
        : [],
    )
  })

  it('call __proto__ an impossible app name, and never lose it silently', () => {
    const app = JSON.stringify(native)
    expect(faults(`{"apps":{"__proto__":${app},"a":${app}}}`)).toEqual([
      expect.stringMatching(/^apps\.__proto__: is not an app name/),
    ])
    expect(faults(`{"apps":{"a":${app}},"__pro\\u0074o__":{"vault":1}}`)).toEqual([
      '__proto__: is not a setting',
    ])
    const parameters = `{"authorizationParameters":{"__proto__":"x"},${app.slice(1)}`
    expect(faults(`{"apps":{"a":${parameters}}}`)).toHaveLength(1)
    expect({}).not.toHaveProperty('vault')
  })

  it('cut keys to 64 printable characters', () => {
    const key = `a\u001b[31m"${'x'.repeat(100)}`
    expect(faults({ [key]: 1 })[0]).toMatch(/^\["a\?\[31m"x{57}"\]: unknown setting/)
  })
})

describe('secrets', () => {
  it.each([
    [
      { apps: { 'evo-me': { ...web, clientSecret: 's3cr3t' } } },
      'apps.evo-me.clientSecret',
      'evo-token secret evo-me',
    ],
    [
      { apps: { 'evo-me': { ...web, client_secret: 's3cr3t' } } },
      'apps.evo-me.client_secret',
      'evo-token secret evo-me',
    ],
    [{ clientSecret: 's3cr3t' }, 'clientSecret', 'evo-token secret APP'],
    [
      { apps: { a: { ...native, accessToken: 's3cr3t' } } },
      'apps.a.accessToken',
      'evo-token login a',
    ],
    [
      { apps: { a: { ...native, tokens: { 'refresh-token': 's3cr3t' } } } },
      'apps.a.tokens',
      'evo-token login a',
    ],
    [
      { apps: { a: { ...native, extra: [{ refreshToken: 's3cr3t' }] } } },
      'apps.a.extra[0].refreshToken',
      'evo-token login a',
    ],
    [{ listen: { accessKey: 's3cr3t' } }, 'listen.accessKey', 'evo-token caller add NAME'],
    [
      { apps: { a: { ...native, authorizationParameters: { password: 's3cr3t' } } } },
      'apps.a.authorizationParameters.password',
      'take it out',
    ],
    [
      { notify: { command: ['curl', `-HAuthorization: Bearer ${JWT}`] } },
      'notify.command[1]',
      'evo-token gets its own',
    ],
    [
      { notify: { command: ['curl', 'evtk_s3cr3t'] } },
      'notify.command[1]',
      'evo-token caller add NAME',
    ],
    [{ apps: { a: { ...native, clientId: JWT } } }, 'apps.a.clientId', 'evo-token login a'],
    [{ ca: '-----BEGIN RSA PRIVATE KEY-----' }, 'ca', 'evo-token secret APP --private-key FILE'],
    [
      { apps: { a: { ...service, privateKey: { kty: 'EC' } } } },
      'apps.a.privateKey',
      'evo-token secret a --private-key FILE',
    ],
    ...['client_secret', 'refresh_token', 'api_key', 'password', 'client_assertion'].map(
      (name): [object, string, string] => [
        { apps: { a: { ...native, tokenParameters: { [name]: 's3cr3t' } } } },
        `apps.a.tokenParameters.${name}`,
        'take it out',
      ],
    ),
    [
      { apps: { a: { ...native, tokenParameters: { assertion: JWT } } } },
      'apps.a.tokenParameters.assertion',
      'take it out',
    ],
  ])('are refused in %o', (settings, path, advice) => {
    const [line, ...others] = faults(settings).filter((fault) => fault.startsWith(`${path}: `))
    expect(line).toContain('does not belong in this file')
    expect(line).toContain(advice)
    expect(others).toEqual([])
  })

  it('are not what an app is called, nor the source of the vault key', () => {
    expect(faults({ vault: { key: 'file' }, apps: { token: native, secret: service } })).toEqual([])
  })

  it.each([
    { apps: { [JWT]: native } },
    { [JWT]: 1 },
    { apps: { a: { ...native, [`x${JWT}`]: JWT } } },
    { issuer: `https://me:${JWT}@as.example`, clientSecret: JWT, log: { level: JWT } },
    { apps: { a: { type: JWT, clientId: [JWT] } }, files: [{ app: JWT, path: JWT, format: JWT }] },
  ])('are never shown by a fault (%#)', (settings) => {
    const shown = faults(settings).join('\n')
    expect(shown).not.toBe('')
    expect(shown).not.toContain(JWT.slice(0, 12))
  })
})

describe('NAME', () => {
  it.each(['a', '0', 'evo-me', 'a.b_c-d', 'a'.repeat(64)])('allows %s', (name) => {
    expect(name).toMatch(NAME_PATTERN)
  })

  it.each(['', 'A', '-a', '.a', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(65)])('refuses %j', (name) => {
    expect(name).not.toMatch(NAME_PATTERN)
  })
})

describe('a config as large as one may be', () => {
  const SIZE_MAX = 4 * 1024 * 1024

  it.each([
    ['unknown settings', `{${Array.from({ length: 80_000 }, (_, at) => `"a${at}":1`).join()}}`],
    ['one key', `{"${'k'.repeat(SIZE_MAX - 10)}":1}`],
    ['nested lists', '['.repeat(SIZE_MAX)],
    [
      'apps that share a redirect URI',
      `{"apps":{${Array.from(
        { length: 36_000 },
        (_, at) =>
          `"a${at}":{"type":"native","clientId":"n","scopes":[],"issuer":"https://i${at}.test"}`,
      ).join()}}}`,
    ],
    [
      'files at one path',
      `{"files":[${Array.from(
        { length: 80_000 },
        (_, at) => `{"app":"a","path":"/a","variable":"V${at}"}`,
      ).join()}],"apps":{"a":{"type":"service","clientId":"s","scopes":[]}}}`,
    ],
    ['one cron expression', service(`"reissue":"${'0-59,'.repeat(800_000)}* * * *"`)],
    ['one duration', service(`"refresh":{"ahead":"${'9'.repeat(SIZE_MAX)}s"}`)],
  ])(
    'is looked through in seconds: %s',
    (_, text) => {
      expect(['ok', 'bad']).toContain(parseConfig(text).kind)
    },
    120_000,
  )

  it('refuses more apps than a daemon can have', () => {
    const apps = (count: number) =>
      JSON.stringify({
        apps: Object.fromEntries(
          Array.from({ length: count }, (_, at) => [
            `a${at}`,
            { type: 'service', clientId: 's', scopes: [] },
          ]),
        ),
      })
    expect(parseConfig(apps(10_000))).toMatchObject({ kind: 'ok' })
    expect(parseConfig(apps(10_001))).toMatchObject({
      kind: 'bad',
      faults: [{ path: 'apps', message: 'must be at most 10,000 apps, not this object' }],
    })
  })

  function service(setting: string): string {
    return `{"apps":{"a":{"type":"service","clientId":"s","scopes":[],${setting}}}}`
  }
})
