/** Daemons as a person may find them when the page opens: new, well, and in trouble; with a past of three days. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nativeApp, SCOPES, seededHome } from '../faults/seeded-home.ts'
import type { RunningAuthorizationServer } from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface Scene extends AsyncDisposable {
  readonly home: Home
  readonly daemon: DaemonProcess
  /** The link that `evo-token web` prints. */
  link(): Promise<string>
}

export async function startScene(home: Home): Promise<Scene> {
  const daemon = await startDaemonProcess(home)
  return {
    home,
    daemon,
    link: () => linkOf(home),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      await home.remove()
    },
  }
}

export async function linkOf(home: Home): Promise<string> {
  const { stdout, stderr } = await runCli(home, ['web', '--no-browser'])
  if (!stdout.startsWith('http://127.0.0.1:')) throw new Error(`no link: ${stderr}`)
  return stdout.trim()
}

/** No app in the config. */
export async function emptyScene(server: RunningAuthorizationServer): Promise<Scene> {
  return startScene(
    await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: {},
    }),
  )
}

export async function wellScene(server: RunningAuthorizationServer): Promise<Scene> {
  const apps = { 'evo-me': 'fresh', 'evo-drillholes': 'fresh', 'evo-viewer': 'fresh' } as const
  const { clientId, clientSecret } = server.clients.service
  const home = await seededHome(server, {
    apps,
    others: {
      'evo-pipeline': { type: 'service', clientId, scopes: ['evo.discovery', 'evo.workspace'] },
    },
  })
  await writePast(home, [...Object.keys(apps), 'evo-pipeline'])
  const scene = await startScene(home)
  await runCli(home, ['secret', 'evo-pipeline'], { input: clientSecret })
  await addCallers(scene)
  return scene
}

export async function troubledScene(server: RunningAuthorizationServer): Promise<Scene> {
  const apps = { 'evo-me': 'fresh', 'evo-drillholes': 'fresh' } as const
  const home = await seededHome(server, {
    apps,
    others: {
      'evo-pipeline': {
        type: 'service',
        clientId: server.clients.service.clientId,
        scopes: ['evo.discovery', 'evo.workspace'],
      },
      'evo-site': { ...nativeApp(server), scopes: SCOPES },
      // Nothing answers there.
      'evo-lab': {
        type: 'native',
        issuer: 'http://127.0.0.1:9',
        clientId: 'native-lab',
        redirectUris: ['http://localhost:3000/lab'],
        scopes: SCOPES,
      },
    },
  })
  await writePast(home, Object.keys(apps), { isTroubled: true })
  const scene = await startScene(home)
  await addCallers(scene)
  return scene
}

/** Each has used its key. */
async function addCallers({ home, daemon }: Scene): Promise<void> {
  for (const [caller, app] of [
    ['notebook', 'evo-me'],
    ['nightly-job', 'evo-drillholes'],
  ] as const) {
    const { stdout: key } = await runCli(home, ['caller', 'add', caller, '--app', app])
    const headers = { Authorization: `Bearer ${key.trim()}` }
    await fetch(`${daemon.url}/v1/apps/${app}`, { headers })
  }
}

/** Renewals every hour, a night asleep, and a notebook that takes far more than the others. */
export async function writePast(
  home: Home,
  apps: readonly string[],
  { isTroubled = false }: { readonly isTroubled?: boolean } = {},
): Promise<void> {
  const now = Date.now()
  const begin = now - 3 * DAY_MS
  const items: object[] = []
  const asleep = { from: now - 16 * HOUR_MS, to: now - 9 * HOUR_MS }
  items.push({ at: asleep.to, kind: 'slept', durationMs: asleep.to - asleep.from })
  apps.forEach((app, index) => {
    items.push({
      at: begin + index * 60_000,
      kind: 'signed_in',
      app,
      caller: 'owner',
      durationMs: 900,
    })
    for (let at = begin + index * 11 * 60_000 + HOUR_MS; at < now - 60_000; at += 0.9 * HOUR_MS) {
      if (at > asleep.from && at < asleep.to) continue
      const isBad = isTroubled && index === 0 && at > now - 6 * HOUR_MS && at < now - 3 * HOUR_MS
      items.push(
        isBad
          ? { at, kind: 'renewal_failed', app, cause: 'retry', error: 'unavailable' }
          : {
              at,
              kind: 'renewed',
              app,
              cause: 'age',
              durationMs: 280 + index * 40,
              fingerprint: '1f3a9c02',
            },
      )
    }
  })
  items.push({
    at: now - 40 * 60_000,
    kind: 'renewed',
    app: apps[0],
    cause: 'report',
    caller: 'notebook',
    durationMs: 344,
    fingerprint: '77ab01c4',
  })
  const directory = join(home.stateDir, 'activity')
  await mkdir(directory, { mode: 0o700, recursive: true })
  const lines = (items as { at: number }[])
    .sort((one, other) => one.at - other.at)
    .map((item) => `${JSON.stringify({ ...item, at: Math.round(item.at) })}\n`)
  await writeFile(join(directory, `items-${Math.round(begin)}.jsonl`), lines.join(''), {
    mode: 0o600,
  })
  for (let day = Math.floor(begin / DAY_MS); day * DAY_MS < now; day++) {
    const file = join(directory, `tokens-${day * DAY_MS}.jsonl`)
    await writeFile(file, countsOf(day, now, asleep, apps), { mode: 0o600 })
  }
}

function countsOf(
  day: number,
  now: number,
  asleep: { readonly from: number; readonly to: number },
  apps: readonly string[],
): string {
  const hoursFor = (tokensAt: (hour: number) => number) =>
    Object.fromEntries(
      Array.from({ length: 24 }, (_, hour) => hour).flatMap((hour) => {
        const at = day * DAY_MS + hour * HOUR_MS
        const isOff = at > now || (at > asleep.from && at < asleep.to)
        const tokens = isOff ? 0 : tokensAt(hour)
        return tokens > 0 ? [[hour, tokens]] : []
      }),
    )
  const callers: readonly (readonly [string, (hour: number) => number])[] = [
    ['notebook', (hour) => (hour > 6 && hour < 18 ? 140 + ((hour * 37) % 90) * 10 : 0)],
    ['nightly-job', (hour) => (hour < 4 ? 60 : 0)],
    ['local', (hour) => (hour * 7) % 5],
    ['owner', (hour) => (hour % 6 === 0 ? 3 : 0)],
  ]
  return callers
    .map(([caller, tokensAt], index) => {
      const app = apps[index % apps.length]
      return `${JSON.stringify({ app, caller, hours: hoursFor(tokensAt) })}\n`
    })
    .join('')
}
