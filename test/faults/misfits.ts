/** Vaults that do not fit, and what a daemon makes of them: nothing at all. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import type { Home } from '../support/daemon-process.ts'
import { startKillableDaemon } from './killable-daemon.ts'
import { type Answer, ask, isFresh, untilStatus } from './owner.ts'
import { recordPath, seededHome, vaultFiles } from './seeded-home.ts'

export interface Misfit {
  readonly what: string
  /** What the daemon says of it. */
  readonly says: RegExp
  readonly spoil: (home: Home) => void
}

export const MISFITS: readonly Misfit[] = [
  {
    what: 'the key of another vault',
    says: /is not the key of the vault/,
    spoil(home) {
      writeFileSync(keyPath(home), `${Buffer.alloc(32, 7).toString('base64url')}\n`)
    },
  },
  {
    what: 'the format of a newer version',
    says: /has format 4; this evo-token knows 3/,
    spoil(home) {
      changeHeader(home, { format: 4, sealed: 'otherwise' })
    },
  },
  {
    what: 'the mark of another machine',
    says: /was made on another machine/,
    spoil(home) {
      changeHeader(home, { machine: 'f'.repeat(64) })
    },
  },
]

export interface LockedOut {
  /** To a caller's request for a token, to `/readyz`, and to a logout. */
  readonly token: Answer
  readonly ready: Answer
  readonly logout: Answer
  readonly exitCode: number | null
  /** Files that were changed, made or deleted. */
  readonly moved: readonly string[]
  readonly requests: number
}

/** Rejects where the sessions are not there again once the vault fits again. */
export async function lockOut({ spoil }: Misfit): Promise<LockedOut> {
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server, { apps: { me: 'expired', other: 'stale' } })
  const [header, key] = [readFileSync(headerPath(home)), readFileSync(keyPath(home))]
  spoil(home)
  // What a kill would have left has to wait, too.
  copyFileSync(recordPath(home, 'other'), `${recordPath(home, 'me')}.new`)
  copyFileSync(headerPath(home), join(home.stateDir, 'vault/.vault.json.0123456789ab.tmp'))
  const before = vaultFiles(home)

  await using locked = startKillableDaemon(home, { heartbeatMs: 50 })
  const socket = await locked.socket
  const token = await ask(socket, '/v1/apps/me/token')
  const ready = await ask(socket, '/readyz')
  const logout = await ask(socket, '/v1/apps/me/logout', 'POST')
  locked.signal('SIGTERM')
  const { code: exitCode } = await locked.ended
  const after = vaultFiles(home)
  const paths = new Set([...Object.keys(before), ...Object.keys(after)])
  const moved = [...paths].filter((path) => before[path] !== after[path])
  const requests = server.requests.length

  writeFileSync(headerPath(home), header)
  writeFileSync(keyPath(home), key)
  await using next = startKillableDaemon(home)
  for (const app of ['me', 'other']) await untilStatus(await next.socket, app, isFresh)
  return { token, ready, logout, exitCode, moved, requests }
}

function keyPath(home: Home): string {
  return join(home.stateDir, 'vault-key')
}

function headerPath(home: Home): string {
  return join(home.stateDir, 'vault/vault.json')
}

function changeHeader(home: Home, change: object): void {
  const header = JSON.parse(readFileSync(headerPath(home), 'utf8')) as object
  writeFileSync(headerPath(home), JSON.stringify({ ...header, ...change }))
}
