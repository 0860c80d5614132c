import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'

const DOWN = '\u001b[B'
const ENTER = '\r'
const SPACE = ' '
/** Ctrl-U. */
const ERASE_LINE = '\u0015'

let home: string
let path: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'evo-token-init-'))
  path = join(home, '.config/evo-token/config.json')
})

afterEach(() => {
  rmSync(home, { recursive: true })
})

/** Options as they are typed, `clientId` for `--client-id`. */
type Options = Readonly<Record<string, string | boolean | readonly string[]>>

function init(options: Options): string[] {
  const typed = Object.entries(options).flatMap(([name, value]) => {
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    if (typeof value === 'boolean') return value ? [option] : []
    return [value].flat().map((each) => `${option}=${each}`)
  })
  return ['init', ...typed]
}

async function run(options: Options) {
  const { io, stdout, stderr } = captureIo({ env: { HOME: home } })
  const code = await runCli(init(options), io)
  return { code, out: stdout.text, err: stderr.text }
}

function ask(options: Options) {
  const person = captureIo({ env: { HOME: home }, isTTY: true })
  return { person, done: runCli(init(options), person.io) }
}

function put(config: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, config, { mode: 0o600 })
}

function written(file = path): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
}

async function checked(file = path): Promise<number> {
  return runCli(['config', 'check', file], captureIo({ env: { HOME: home } }).io)
}

const native = { yes: true, type: 'native', name: 'evo-me', clientId: 'native-1' }
const service = { yes: true, type: 'service', name: 'evo-pipeline', clientId: 'service-1' }

describe('init with --yes', () => {
  it('writes a config for its owner alone, and says what to run next', async () => {
    const { code, out, err } = await run(native)
    expect([code, err]).toEqual([0, `Wrote ${path}. Next:\n`])
    expect(out).toBe('evo-token serve\nevo-token login evo-me\nevo-token get evo-me\n')
    expect(written()).toEqual({
      $schema: './config.schema.json',
      apps: {
        'evo-me': {
          type: 'native',
          clientId: 'native-1',
          scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
        },
      },
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
    expect(await checked()).toBe(0)
  })

  it('needs a secret and no sign-in for a service app', async () => {
    const { out } = await run({ ...service, reissue: '*/30 * * * *' })
    expect(out).toBe('evo-token serve\nevo-token secret evo-pipeline\nevo-token get evo-pipeline\n')
    expect(written().apps).toEqual({
      'evo-pipeline': {
        type: 'service',
        clientId: 'service-1',
        scopes: ['evo.discovery', 'evo.workspace'],
        reissue: '*/30 * * * *',
      },
    })
    expect(await checked()).toBe(0)
  })

  it('needs a secret and a sign-in for a web app', async () => {
    const redirectUris = ['http://localhost:8000/a', 'http://localhost:8001/a']
    const { out } = await run({
      ...native,
      type: 'web',
      redirectUri: redirectUris,
      vaultKey: 'file',
    })
    expect(out).toContain('evo-token secret evo-me\nevo-token login evo-me\n')
    expect(written()).toMatchObject({
      vault: { key: 'file' },
      apps: { 'evo-me': { redirectUris } },
    })
  })

  it('takes the scopes and the issuer that it is given, and warns of what is missing', async () => {
    const { err } = await run({ ...native, scope: ['evo.discovery', 'offline_access'] })
    expect(err).toContain('warning: ')
    expect(err).toContain('"evo.workspace" is missing')

    const config = join(home, 'other.json')
    const issuer = 'https://as.example'
    const other = await run({ ...native, config, issuer, scope: ['read', 'offline_access'] })
    expect(other.err).not.toContain('warning')
    expect(other.out).toContain(`evo-token serve --config ${config}\n`)
    expect(written(config)).toMatchObject({ apps: { 'evo-me': { issuer } } })
  })

  it('takes several scopes in one option, with blanks or commas between them', async () => {
    const scope = ['evo.discovery, evo.workspace', 'evo.file,offline_access']
    expect((await run({ ...native, scope })).code).toBe(0)
    expect(written()).toMatchObject({
      apps: {
        'evo-me': { scopes: ['evo.discovery', 'evo.workspace', 'evo.file', 'offline_access'] },
      },
    })
  })

  it('takes no empty option for the usual scopes', async () => {
    const { code, err } = await run({ ...native, scope: [''] })
    expect(code).toBe(2)
    expect(err).toContain('--scope: must be')
  })

  it('takes away the blanks around what the options say', async () => {
    const { code } = await run({
      ...native,
      name: ' evo-me',
      clientId: '\u00a0\u202anat\u00adive-1\u200b\u202c\n\u2800',
      issuer: 'https://as.example ',
      redirectUri: ['\thttp://localhost:3000/a '],
      scope: [' read '],
    })
    expect(code).toBe(0)
    expect(written().apps).toEqual({
      'evo-me': {
        type: 'native',
        clientId: 'native-1',
        issuer: 'https://as.example',
        redirectUris: ['http://localhost:3000/a'],
        scopes: ['read'],
      },
    })
  })

  it.each([
    ['evo.objects', 'did you mean "evo.object"?'],
    ['ofline_access', 'did you mean "offline_access"?'],
    ['Evo.File', 'did you mean "evo.file"?'],
    ['workspaces', 'did you mean "evo.workspace"?'],
    ['evo:block', 'did you mean "evo.blocksync"?'],
    ['EVO_DISCOVERY', 'did you mean "evo.discovery"?'],
    ['offline', 'did you mean "offline_access"?'],
    ['EVO.CORE', "is not in Evo's documentation, which has evo.discovery"],
    ['evo.drillholes', "is not in Evo's documentation, which has evo.discovery"],
  ])('has a word for the scope %s', async (scope, said) => {
    const { code, err } = await run({ ...native, scope: ['evo.discovery', scope] })
    expect(code).toBe(0)
    expect(err).toContain(`"${scope}" is`)
    expect(err).toContain(said)
  })

  it('says nothing of scopes that other servers have', async () => {
    const issuer = 'https://as.example'
    const scope = ['read', 'evo.objects', 'openid', 'email', 'offline', 'offline_access']
    expect((await run({ ...native, issuer, scope })).err).not.toContain('warning')
    const ofBentley = ['evo.discovery', 'evo.workspace', 'itwin-platform', 'offline_access']
    const evo = await run({ ...native, config: join(home, 'other.json'), scope: ofBentley })
    expect(evo.err).not.toContain('warning')
  })

  it('puts the schema beside the config, for editors, and leaves another file of that name', async () => {
    await run(native)
    const schema = join(dirname(path), String(written().$schema))
    const { properties } = JSON.parse(readFileSync(schema, 'utf8')) as { properties: object }
    expect(properties).toHaveProperty('apps')
    rmSync(path)
    writeFileSync(schema, '{"title":"mine"}')
    await run(native)
    expect(readFileSync(schema, 'utf8')).toBe('{"title":"mine"}')
  })

  it.each([
    [{ yes: true }, '--type, --name, --client-id'],
    [{ ...native, clientId: '' }, '--client-id'],
    [{ ...native, type: 'spa' }, '--redirect-uri'],
    [{ ...native, type: 'web', redirectUri: [] }, '--redirect-uri'],
  ])('names what is missing in %o', async (args, flags) => {
    const { code, out, err } = await run(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(`and needs ${flags}.`)
    expect(() => statSync(path)).toThrow('ENOENT')
  })

  it.each([
    [{ ...native, name: 'Evo Me' }, /--name: is not an app name/],
    [{ ...native, name: '__proto__' }, /--name: is not an app name/],
    [{ ...native, reissue: '* * * * *' }, /--reissue: is a setting of service apps only/],
    [{ ...service, reissue: 'often' }, /--reissue: must be a cron expression/],
    [{ ...service, scope: ['offline_access'] }, /--scope: must be another scope/],
    [{ ...native, name: 'my.app', scope: ['a"b'] }, /--scope: must be one scope per string/],
    [{ ...native, redirectUri: ['callback'] }, /--redirect-uri: must be an absolute URI/],
    [{ ...native, issuer: 'http://as.example' }, /--issuer: must be an https: URL/],
    [{ ...native, clientId: 'native 1\n' }, /--client-id: must be the client id/],
    [{ ...native, clientId: '  ' }, /such as native-AbC123|needs --client-id/],
    [{ ...native, clientId: '\u2003\u200b\u3000' }, /needs --client-id/],
    [{ ...native, clientId: '"native-1"' }, /--client-id: .* no blanks and no quotation marks/],
    [{ ...native, clientId: 'native-1\tnative-2' }, /--client-id: .* no blanks/],
    [{ ...native, redirectUri: ['localhost:3000/a'] }, /--redirect-uri: must be an absolute URI/],
  ])('names the option that is wrong in %o', async (args, line) => {
    const { code, out, err } = await run(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(line)
    expect(() => statSync(path)).toThrow('ENOENT')
  })
})

describe('init with a config that is there', () => {
  const before = `{
    "$schema": "./config.schema.json",
    "listen": { "port": 0 },
    "apps": {
        "evo-pipeline": { "type": "service", "clientId": "service-1", "scopes": ["evo.discovery", "evo.workspace"] }
    },
    "log": { "level": "debug" }
}`

  it('adds the app and keeps everything else, byte for byte', async () => {
    put(before)
    const { code, err } = await run(native)
    expect([code, err]).toEqual([
      0,
      `Added "evo-me" to ${path}. Next (if the daemon runs already, \`evo-token reload\` in place of \`serve\`):\n`,
    ])
    const added = `,
        "evo-me": {
            "type": "native",
            "clientId": "native-1",
            "scopes": [
                "evo.discovery",
                "evo.workspace",
                "offline_access"
            ]
        }`
    expect(readFileSync(path, 'utf8')).toBe(before.replace('] }', `] }${added}`))
    expect(await checked()).toBe(0)
  })

  it('keeps a byte order mark', async () => {
    put(`\ufeff${before}`)
    expect((await run(native)).code).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^\ufeff\{/)
    expect(await checked()).toBe(0)
  })

  it('replaces an app of that name only with --force', async () => {
    put(before)
    const refused = await run({ ...service, clientId: 'service-2' })
    expect(refused.code).toBe(2)
    expect(refused.err).toContain('has an app "evo-pipeline" already')
    expect(readFileSync(path, 'utf8')).toBe(before)

    expect((await run({ ...service, clientId: 'service-2', force: true })).code).toBe(0)
    expect(written()).toMatchObject({
      log: { level: 'debug' },
      apps: { 'evo-pipeline': { clientId: 'service-2' } },
    })
  })

  it('does not move the vault key', async () => {
    put(before)
    const refused = await run({ ...native, vaultKey: 'file' })
    expect(refused.code).toBe(2)
    expect(refused.err).toContain('evo-token vault move-key')
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  it('touches no config that has faults', async () => {
    put('{"apps":{},"lisen":1}')
    const { code, err } = await run({ ...native, force: true })
    expect(code).toBe(2)
    expect(err).toContain(`${path}: lisen: unknown setting`)
    expect(readFileSync(path, 'utf8')).toBe('{"apps":{},"lisen":1}')
  })
})

describe('init without --yes', () => {
  it('asks nothing where there is no terminal', async () => {
    const { code, err } = await run({ ...native, yes: false })
    expect(code).toBe(2)
    expect(err).toContain('give the options, and --yes')
  })

  it('asks for everything that the options do not say', async () => {
    const { person, done } = ask({})
    await person.type('Which kind of app', DOWN + DOWN + ENTER)
    await person.type('What do you want to call it here?', `evo-site${ENTER}`)
    await person.type('Its client id', `web-1${ENTER}`)
    await person.type('A redirect URI', ENTER)
    await person.type('Which scopes', ENTER)
    expect(await done).toBe(0)
    expect(person.stderr.text).not.toContain('vault')
    expect(written()).toEqual({
      $schema: './config.schema.json',
      apps: {
        'evo-site': {
          type: 'web',
          clientId: 'web-1',
          redirectUris: ['http://localhost:3000/signin-callback'],
          scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
        },
      },
    })
    expect(person.stdout.text).toBe(
      'evo-token serve\nevo-token secret evo-site\nevo-token login evo-site\nevo-token get evo-site\n',
    )
  })

  it.each([
    ['takes it', ENTER, true],
    ['leaves it', `n${ENTER}`, false],
  ])('offers evo-mcp where it finds its checkout, and %s', async (_, typed, isTaken) => {
    const checkout = join(home, 'src/evo-mcp')
    mkdirSync(join(checkout, 'src/evo_mcp'), { recursive: true })
    const { person, done } = ask({ ...native, yes: false, scope: ['evo.discovery'] })
    await person.type(`evo-mcp server in ${checkout}`, typed)
    expect(await done).toBe(0)
    const path = join(checkout, '.cache/evo_token_cache.json')
    expect(written().files).toEqual(isTaken ? [{ app: 'evo-me', path, format: 'json' }] : undefined)
  })

  it('takes away the blanks around what is pasted, and refuses what is nothing else', async () => {
    const { person, done } = ask({ type: 'spa', name: 'evo-me', scope: ['evo.discovery'] })
    await person.type('Its client id', `  ${ENTER}`)
    await person.type('such as native-AbC123', `${ERASE_LINE} spa-1 ${ENTER}`)
    await person.type('A redirect URI', `${ERASE_LINE}callback${ENTER}`)
    await person.type(
      'such as http://localhost:3000',
      `${ERASE_LINE} http://localhost:4000/a${ENTER}`,
    )
    expect(await done).toBe(0)
    expect(written()).toMatchObject({
      apps: { 'evo-me': { clientId: 'spa-1', redirectUris: ['http://localhost:4000/a'] } },
    })
  })

  it('asks again where an answer cannot be, and says why', async () => {
    put('{"apps":{"evo-me":{"type":"native","clientId":"native-1","scopes":[]}}}')
    const { person, done } = ask({ type: 'native', scope: ['evo.file'] })
    await person.type('What do you want to call it here?', ENTER)
    await person.type('There is an app of that name', `${ERASE_LINE}Evo Too${ENTER}`)
    await person.type('write up to 64 of a-z', `${ERASE_LINE}evo-too${ENTER}`)
    await person.type('Its client id', `nativé${ENTER}`)
    await person.type('It must be the client id', `${ERASE_LINE}native-2${ENTER}`)
    expect(await done).toBe(0)
    expect(written()).toMatchObject({
      apps: { 'evo-me': {}, 'evo-too': { clientId: 'native-2', scopes: ['evo.file'] } },
    })
    expect(written()).not.toHaveProperty('vault')
  })

  it('offers a service app no offline_access, and keeps the scopes that Evo always wants', async () => {
    const { person, done } = ask({ ...service, yes: false, vaultKey: 'auto' })
    await person.type('Which scopes', `${SPACE}${DOWN}${DOWN}${SPACE}${ENTER}`)
    expect(person.stderr.text).not.toContain('offline_access')
    await person.type('Leave out all the same?', ENTER)
    expect(await done).toBe(0)
    const scopes = ['evo.discovery', 'evo.workspace', 'evo.blocksync']
    expect(written()).toMatchObject({ apps: { 'evo-pipeline': { scopes } } })
  })

  it('leaves them out for who insists, with a warning', async () => {
    const { person, done } = ask({ ...service, yes: false, vaultKey: 'auto' })
    await person.type('Which scopes', `${SPACE}${ENTER}`)
    await person.type('Leave out all the same?', `y${ENTER}`)
    expect(await done).toBe(0)
    expect(written()).toMatchObject({ apps: { 'evo-pipeline': { scopes: ['evo.workspace'] } } })
    expect(person.stderr.text).toContain('"evo.discovery" is missing')
  })

  it('asks for the scopes of another authorization server in words', async () => {
    const issuer = 'https://as.example'
    const { person, done } = ask({ ...service, yes: false, issuer, vaultKey: 'auto' })
    await person.type('The scopes to ask for', `offline_access${ENTER}`)
    await person.type('It must be another scope', `${ERASE_LINE} read  write${ENTER}`)
    expect(await done).toBe(0)
    expect(written()).toMatchObject({ apps: { 'evo-pipeline': { scopes: ['read', 'write'] } } })
  })

  it('refuses a name that is taken before it asks anything', async () => {
    put('{"apps":{"evo-me":{"type":"native","clientId":"native-1","scopes":[]}}}')
    const { person, done } = ask({ name: 'evo-me' })
    expect(await done).toBe(2)
    expect(person.stderr.text).toMatch(/--name: .* has an app "evo-me" already/)
  })

  it('keeps what another program wrote while it was asking', async () => {
    const { person, done } = ask({ ...native, yes: false, vaultKey: 'auto' })
    await person.type('Which scopes', '')
    put('{"ca":"/x/ca.pem"}')
    await person.type('Which scopes', ENTER)
    expect(await done).toBe(0)
    expect(written()).toMatchObject({ ca: '/x/ca.pem', apps: { 'evo-me': {} } })
  })

  it('writes nothing after Ctrl-C', async () => {
    const { person, done } = ask({})
    await person.type('Which kind of app', '\u0003')
    expect(await done).toBe(1)
    expect(person.stderr.text).toContain('Nothing was written.')
    expect(() => statSync(path)).toThrow('ENOENT')
  })
})
