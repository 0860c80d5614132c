/** What a daemon tells of itself later, also after it was killed, and how it is shown. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, goodToken } from './faults/owner.ts'
import { seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { type Home, MAIN, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { until } from './support/until.ts'

const KILLS = 4
const TOKENS = 25

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

async function written({ stateDir }: Home): Promise<string> {
  const path = join(stateDir, 'activity')
  const names = await readdir(path).catch(() => [])
  return (await Promise.all(names.map((name) => readFile(join(path, name), 'utf8')))).join('\n')
}

interface Entries {
  readonly items: readonly {
    readonly kind: string
    readonly app: string | null
    readonly error: string | null
  }[]
}

async function entries(home: Home): Promise<Entries['items']> {
  const { stdout } = await runCli(home, ['activity', '--json'])
  return (JSON.parse(stdout) as Entries).items
}

describe('the activity of a daemon that is killed again and again', () => {
  it('loses nothing that a beat has written, and counts on', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    for (let kill = 1; kill <= KILLS; kill++) {
      await using daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
      for (let number = 0; number < TOKENS; number++) await goodToken(daemon.socket, 'me')
      const total = `:${kill * TOKENS}}`
      await until('a beat has written the counts', async () =>
        (await written(home)).includes(total),
      )
      await daemon.stop('SIGKILL')
    }
    await using daemon = await startDaemonProcess(home)
    const started = (await entries(home)).filter(({ kind }) => kind === 'started')
    expect(started).toHaveLength(KILLS + 1)
    await daemon.stop()
    expect(await written(home)).toContain('"kind":"stopped"')
  })
})

describe('tokens handed out', () => {
  it('are counted right, by caller and app, however many there are', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh', other: 'fresh' } })
    const daemon = await startDaemonProcess(home)
    const added = await runCli(home, ['caller', 'add', 'notebook', '--app', 'me'])
    const notebook = added.stdout.trim()
    const local = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
    const shares = [
      { app: 'me', caller: 'notebook', key: notebook, tokens: 60_000 },
      { app: 'me', caller: 'local', key: local, tokens: 25_000 },
      { app: 'other', caller: 'local', key: local, tokens: 15_000 },
    ]
    await Promise.all(shares.map((share) => takeTokens(daemon.url, share)))
    // Refused, so none was handed out.
    const refused = await fetch(`${daemon.url}/v1/apps/other/token`, {
      headers: { authorization: `Bearer ${notebook}` },
    })
    expect(refused.status).toBe(404)

    const expected = shares.map(({ app, caller, tokens }) => `${caller} ${app} ${tokens}`).sort()
    expect(await countedBy(daemon.socket)).toEqual(expected)
    await daemon.stop()
    await using again = await startDaemonProcess(home)
    expect(await countedBy(again.socket)).toEqual(expected)
  }, 600_000)
})

async function takeTokens(
  url: string,
  { app, key, tokens }: { readonly app: string; readonly key: string; readonly tokens: number },
): Promise<void> {
  const pool = new Pool(url, { connections: 4 })
  const path = `/v1/apps/${app}/token`
  const headers = { authorization: `Bearer ${key}` }
  let left = tokens
  const takeSome = async () => {
    while (left-- > 0) {
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers })
      await body.dump()
      if (statusCode !== 200) throw new Error(`no token: ${statusCode}`)
    }
  }
  await Promise.all([takeSome(), takeSome(), takeSome(), takeSome()])
  await pool.close()
}

/** The sum over the hours: one may end while the test runs. */
async function countedBy(socket: string): Promise<readonly string[]> {
  const { body } = await ask(socket, '/v1/activity/hours')
  const sums = new Map<string, number>()
  for (const { app, caller, tokens } of body.items as readonly Hour[]) {
    const who = `${caller} ${app}`
    sums.set(who, (sums.get(who) ?? 0) + tokens)
  }
  return [...sums].map(([who, tokens]) => `${who} ${tokens}`).sort()
}

interface Hour {
  readonly app: string
  readonly caller: string
  readonly tokens: number
}

describe('evo-token activity', () => {
  it('shows a line for each entry, those of an app alone where it is named, and what comes', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh', other: 'fresh' } })
    await using _daemon = await startDaemonProcess(home)
    const following = spawn(process.execPath, [MAIN, 'activity', '--follow'], { env: home.env })
    let followed = ''
    following.stdout.setEncoding('utf8').on('data', (piece: string) => (followed += piece))
    await until('the past is shown', () => followed.includes('the daemon started'))
    await runCli(home, ['refresh', 'me'])
    await until('the renewal is shown', () => followed.includes('token renewed'))
    following.kill()
    await runCli(home, ['logout', 'other'])

    const { stdout, code } = await runCli(home, ['activity', '--since', '1h'])
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => line.replace(/^[\d-]{10} [\d:]{8} {2}/, ''))).toEqual([
      expect.stringMatching(/^- +the daemon started$/),
      expect.stringMatching(
        /^me +token renewed \(asked for, \d+ m?s\) {2}by owner {2}[0-9a-f]{8}$/,
      ),
      expect.stringMatching(/^other +signed out.* {2}by owner$/),
    ])
    const one = await runCli(home, ['activity', 'me', '--since', '1h'])
    expect(one.stdout).toContain('token renewed')
    expect(one.stdout).not.toContain('other')
    const status = await runCli(home, ['status', 'me'])
    expect(status.stdout).toMatch(/\nLast activity:\n {2}.*token renewed/)
  })

  it('goes on showing what comes when the clock was set back', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const now = Date.now()
    const directory = join(home.stateDir, 'activity')
    await mkdir(directory, { mode: 0o700, recursive: true })
    const later = { at: now + 30 * 60_000, kind: 'started' }
    await writeFile(join(directory, `items-${now}.jsonl`), `${JSON.stringify(later)}\n`, {
      mode: 0o600,
    })
    await using _daemon = await startDaemonProcess(home)
    const following = spawn(process.execPath, [MAIN, 'activity', '--follow'], { env: home.env })
    let followed = ''
    following.stdout.setEncoding('utf8').on('data', (piece: string) => (followed += piece))
    await until('the past is shown', () => followed.split('the daemon started').length > 2)
    await runCli(home, ['refresh', 'me'])
    await until('the renewal is shown', () => followed.includes('token renewed'))
    following.kill()
  })

  it('goes on through a restart of the daemon, and shows each entry once', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
    const following = spawn(process.execPath, [MAIN, 'activity', '--follow', '--json'], {
      env: home.env,
    })
    let followed = ''
    following.stdout.setEncoding('utf8').on('data', (piece: string) => (followed += piece))
    await until('the past is shown', () => followed.includes('"started"'))
    await until('a beat has written it', async () => (await written(home)).includes('started'))
    await daemon.stop('SIGKILL')
    await using _again = await startDaemonProcess(home)
    await until('the next start is shown', () => followed.split('"started"').length === 3)
    await runCli(home, ['refresh', 'me'])
    await until('the renewal is shown', () => followed.includes('"renewed"'))
    following.kill()
    expect(followed.trimEnd().split('\n')).toHaveLength(3)
  })

  it('says that nothing matches, where something else has happened', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh', other: 'fresh' } })
    await using _daemon = await startDaemonProcess(home)
    const { stdout } = await runCli(home, ['activity', 'other'])
    expect(stdout).toBe('Nothing of this kind has happened.\n')
  })

  it('tells of a failure by the code that the status has', async () => {
    const { clientId } = server.clients.service
    await using home = await seededHome(server, {
      apps: { me: 'fresh' },
      others: { robot: { type: 'service', clientId, scopes: ['evo.discovery'] } },
    })
    await using _daemon = await startDaemonProcess(home)
    const failure = await until(
      'the app without a secret has failed',
      async () => (await entries(home)).find(({ app }) => app === 'robot'),
      (found) => found !== undefined,
    )
    expect(failure?.error).toBe('misconfigured')
  })

  it('takes a duration for --since', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const { code, stderr } = await runCli(home, ['activity', '--since', 'yesterday'])
    expect(code).toBe(2)
    expect(stderr).toContain('duration')
  })
})
