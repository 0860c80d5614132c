/** What is wrong with an app, out of every mouth of the built daemon: the same words, for each audience. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../src/core/error-codes.ts'
import { ask } from './faults/owner.ts'
import { SCOPES, seededHome, type SeedOptions } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { type Home, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { freePort } from './support/free-port.ts'
import { blockingWords, getOverTcp, sideWords, type Words } from './support/mouths.ts'
import { until } from './support/until.ts'
import { vaultWorld } from './support/vault-world.ts'

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

const CASES: readonly {
  readonly what: string
  readonly home?: SeedOptions
  /** What happens to the home before the daemon starts. */
  readonly prepare?: (home: Home) => Promise<void>
  /** How the token endpoint answers each request. */
  readonly answer?: { readonly status: number; readonly body: Readonly<Record<string, string>> }
  readonly app?: string
  readonly exit: number
  readonly owner: Words
  readonly callers: Words
  readonly isNotified: boolean
}[] = [
  {
    what: 'a session that the server ended',
    answer: {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Session of ada not active' },
    },
    exit: 3,
    owner: {
      error: 'login_required',
      message:
        'The authorization server has ended the sign-in to "me": "Session of ada not active".',
      hint: 'Sign in: `evo-token login me`.',
    },
    callers: {
      error: 'login_required',
      message: 'The authorization server has ended the sign-in to "me".',
      hint: 'Sign in: `evo-token login me`.',
    },
    isNotified: true,
  },
  {
    what: 'a native app whose client id the server refuses',
    answer: { status: 401, body: { error: 'invalid_client', error_description: 'Who is ada?' } },
    exit: 7,
    owner: {
      error: 'misconfigured',
      message: expect.stringMatching(
        /^No token is issued to "me": 127\.0\.0\.1:\d+ does not accept the client id .*: Who is ada\?/,
      ) as string,
      hint: 'Correct "clientId" in the config, or register the app as "native", then `evo-token reload`.',
    },
    callers: {
      error: 'misconfigured',
      message:
        'No token is issued to "me": the authorization server does not accept its client id or its credentials.',
      hint: 'Correct "clientId" in the config, or register the app as "native", then `evo-token reload`.',
    },
    isNotified: true,
  },
  {
    what: 'a service app without its client secret, which no server was asked for',
    home: {
      others: { robot: { type: 'service', clientId: 'service-9', scopes: ['evo.discovery'] } },
    },
    app: 'robot',
    exit: 7,
    owner: {
      error: 'misconfigured',
      message: 'No client secret is stored for "robot".',
      hint: 'Store its client secret: `evo-token secret robot`.',
    },
    callers: {
      error: 'misconfigured',
      message: 'No client secret is stored for "robot".',
      hint: 'Store its client secret: `evo-token secret robot`.',
    },
    isNotified: true,
  },
  {
    what: 'an app that is not signed in yet',
    home: {
      others: {
        new: {
          type: 'native',
          clientId: 'native-2',
          redirectUris: [`http://localhost:${await freePort()}/callback`],
          scopes: ['evo.discovery'],
        },
      },
    },
    app: 'new',
    exit: 3,
    owner: {
      error: 'login_required',
      message: '"new" is not signed in.',
      hint: 'Sign in: `evo-token login new`.',
    },
    callers: {
      error: 'login_required',
      message: '"new" is not signed in.',
      hint: 'Sign in: `evo-token login new`.',
    },
    isNotified: false,
  },
  {
    what: 'a server that is out of order',
    answer: { status: 503, body: { error: 'server_error', error_description: 'Ask ada' } },
    exit: 5,
    owner: {
      error: 'unavailable',
      message: expect.stringMatching(
        /^The last attempt to get a token for "me" failed: 127\.0\.0\.1:\d+ answered with server_error \(status 503\): Ask ada\.$/,
      ) as string,
      hint: expect.stringContaining('`evo-token status me` says when') as string,
    },
    callers: {
      error: 'unavailable',
      message: 'The last attempt to get a token for "me" failed.',
      hint: expect.stringContaining('`evo-token status me` says when') as string,
    },
    isNotified: false,
  },
  {
    what: 'a vault whose key the config wants in another place',
    home: { config: { vault: { key: 'keychain' } } },
    exit: 5,
    owner: {
      error: 'vault_locked',
      message: "The config wants the vault key in the keychain, and this vault's is in the file.",
      hint: expect.stringContaining('Set "vault": { "key": "file" } (or "auto")') as string,
    },
    callers: {
      error: 'vault_locked',
      message: 'The vault is locked.',
      hint: 'It is tried again by itself; `evo-token status` says why.',
    },
    isNotified: false,
  },
  {
    what: 'a record that a newer version wrote',
    prepare: async ({ stateDir }) => {
      const vault = vaultWorld(stateDir)
      const { tokens, ...record } = await vault.content('me.jwe')
      await vault.plant(
        'me.jwe',
        { ...record, novelty: 1, tokens: [tokens] },
        { 'evo-app': 'me', 'evo-kind': 'app' },
      )
    },
    exit: 5,
    owner: {
      error: 'record_newer',
      message: 'A newer evo-token wrote the record of "me".',
      hint: ERROR_CODES.record_newer.hint,
    },
    callers: {
      error: 'record_newer',
      message: 'A newer evo-token wrote the record of "me".',
      hint: ERROR_CODES.record_newer.hint,
    },
    isNotified: false,
  },
]

describe.each(CASES)('$what', ({ home: more, prepare, answer, app = 'me', exit, ...told }) => {
  it('is told in the same words everywhere', async () => {
    server.intercept = answer ? async () => answer : (_request, act) => act()
    await using home = await seededHome(server, { apps: { me: 'expired' }, ...more })
    await prepare?.(home)
    const notice = join(home.directory, 'notice')
    const command = join(home.directory, 'tell')
    writeFileSync(
      command,
      `#!/bin/sh\n[ "$EVO_TOKEN_APP" = ${app} ] && printf %s "$EVO_TOKEN_HINT" >'${notice}'\n`,
    )
    chmodSync(command, 0o755)
    const config = JSON.parse(readFileSync(home.config, 'utf8')) as object
    await home.write({ ...config, notify: { command: [command] } })
    await using daemon = await startDaemonProcess(home)
    await until(
      'no token is requested any more',
      async () => (await ask(daemon.socket, `/v1/apps/${app}`)).body.problem as Words | null,
      (shown) => shown?.message !== `A token for "${app}" has been requested.`,
    )

    const words = await blockingWords({ ...daemon, home }, app)
    const { owner, callers, isNotified } = told
    expect(words).toEqual({ owner, callers, exit, reason: callers.error })
    for (const path of [`/v1/apps/${app}`, `/v1/apps/${app}/token`, `/readyz/${app}`, '/v1/apps']) {
      // Neither the person nor the server's words.
      const sent = JSON.stringify(await getOverTcp({ ...daemon, home }, path))
      expect(sent, path).not.toMatch(/\bada\b/)
    }
    if (isNotified) {
      await until(
        'the notice was given',
        () => readFileSync(notice, 'utf8'),
        (given) => given === `${words.owner.message} ${words.owner.hint}`,
      )
    }
  })
})

const SIDE_CASES: readonly {
  readonly what: string
  readonly home?: SeedOptions
  /** A token file is where a directory is. */
  readonly hasTokenFile?: true
  readonly owner: Words
  readonly callers: Words
}[] = [
  {
    what: 'scopes in the config that the sign-in did not ask for',
    home: { app: { scopes: [...SCOPES, 'evo.audit'] } },
    owner: {
      error: 'scope_changed',
      message: 'The config asks for scopes that the sign-in to "me" did not ask for: evo.audit.',
      hint: 'Sign in: `evo-token login me`.',
    },
    callers: {
      error: 'scope_changed',
      message: 'The config asks for scopes that the sign-in to "me" did not ask for.',
      hint: 'Sign in: `evo-token login me`.',
    },
  },
  {
    what: 'a token file that cannot be written',
    hasTokenFile: true,
    owner: {
      error: 'file_unwritable',
      message: expect.stringContaining('token is a directory, not a file.') as string,
      hint: 'Move it away, or name another path in "files" of the config.',
    },
    callers: {
      error: 'file_unwritable',
      message: 'A token file of "me" cannot be written.',
      hint: '`evo-token status` has the reason.',
    },
  },
]

describe.each(SIDE_CASES)('$what', ({ home: more, hasTokenFile, owner, callers }) => {
  it('is told in the same words everywhere, while the token is served', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' }, ...more })
    const path = join(home.directory, 'token')
    if (hasTokenFile) {
      mkdirSync(path)
      const config = JSON.parse(readFileSync(home.config, 'utf8')) as object
      await home.write({ ...config, files: [{ app: 'me', path, format: 'raw' }] })
    }
    await using daemon = await startDaemonProcess(home)
    await until(
      'it is noticed',
      async () => (await ask(daemon.socket, '/v1/apps/me')).body.problem,
      (problem) => problem !== null,
    )
    const words = await sideWords({ ...daemon, home }, 'me')
    expect(words).toEqual({ owner, callers })
    const { stdout } = await runCli(home, ['doctor', 'me'])
    const message = words.owner.message.replace(home.directory, '~')
    expect(stdout).toContain(`: ${message}\n      ${words.owner.hint}\n`)
  })
})

it('what is wrong with the daemon itself is told in the same words by HTTP, status and doctor', async () => {
  await using home = await seededHome(server, {
    apps: { me: 'fresh' },
    others: { robot: { type: 'service', clientId: 'service-9', scopes: ['evo.discovery'] } },
    config: { notify: { command: ['/nowhere/tell'] } },
  })
  await using daemon = await startDaemonProcess(home)
  const [problem] = await until(
    'the notice has failed',
    async () => (await ask(daemon.socket, '/v1/apps')).body.problems as Words[],
    ([first]) => first !== undefined,
  )
  expect(problem).toMatchObject({ error: 'notify_failed' })
  const { message, hint } = problem as Words
  expect((await runCli(home, ['status'])).stderr).toContain(`\n${message} ${hint}\n`)
  const doctor = await runCli(home, ['doctor', 'me', '--json'])
  expect(doctor.code).toBe(1)
  const { checks } = JSON.parse(doctor.stdout) as { checks: object[] }
  expect(checks).toContainEqual({
    id: 'daemon-itself',
    app: null,
    ok: false,
    detail: message,
    hint,
  })
})
