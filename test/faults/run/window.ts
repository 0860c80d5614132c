/** How long a new refresh token is in memory only, held against what the disk needs in the same run. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { statSync } from 'node:fs'
import type { Home } from '../../support/daemon-process.ts'
import { startKillableDaemon } from '../killable-daemon.ts'
import { recordPath, seededHome } from '../seeded-home.ts'
import { DURABLE } from '../steps.ts'
import type { Measured, Run } from './part.ts'
import { inMs, type Spread, spreadOf } from './spread.ts'
import { startWatchedServer } from './watched-server.ts'

const APP = 'me'
const TOKEN_S = 2
const LIVES = 10
const REFRESHES = 15
const PROBE_EVERY_MS = 60
/** The aim: no more than these times what the disk needs. */
const MEDIAN_AT_MOST = 3
const P99_AT_MOST = 5

interface Window {
  readonly fromAnswer: readonly number[]
  readonly fromSpent: readonly number[]
  readonly untilServed: readonly number[]
  readonly disk: readonly number[]
}

export async function measureWindow({ share }: Run): Promise<Measured> {
  const lives: Window[] = []
  while (lives.length < share(LIVES)) lives.push(await oneLife())
  const spread = (of: (life: Window) => readonly number[]) => spreadOf(lives.flatMap(of))
  const fromAnswer = spread((life) => life.fromAnswer)
  const disk = spread((life) => life.disk)
  const median = fromAnswer.median / disk.median
  const p99 = fromAnswer.p99 / disk.p99
  return {
    outcomes: {
      1: `the window is ${fromAnswer.median.toFixed(1)} ms wide (p99 ${fromAnswer.p99.toFixed(1)} ms), where the disk itself needs ${disk.median.toFixed(1)} ms (p99 ${disk.p99.toFixed(1)} ms)`,
    },
    section: sectionOf({
      fromAnswer,
      disk,
      fromSpent: spread((life) => life.fromSpent),
      untilServed: spread((life) => life.untilServed),
      median,
      p99,
    }),
    // An aim, not a promise: what else the machine does meanwhile is in it.
    wrong: [],
  }
}

/** One process: its first refresh, which is the slowest, counts like all others. */
async function oneLife(): Promise<Window> {
  await using watched = await startWatchedServer({ accessTokenTtlS: TOKEN_S })
  await using home = await seededHome(watched.server, { apps: { [APP]: 'expired' } })
  await using daemon = startKillableDaemon(home, { heartbeatMs: 50 })
  await daemon.socket
  const probe = startProbe(home)
  await daemon.reached('stored', REFRESHES)
  const disk = await probe.stop()
  const at = (name: string) => daemon.steps.filter((step) => step.name === name)
  const [durable, served] = [at(DURABLE), at('stored')]
  const windows = watched.rotations.slice(0, REFRESHES).flatMap((rotation, n) => {
    const { spentAt, answeredAt = spentAt } = rotation
    const [stored, known] = [durable[n], served[n]]
    return stored && known ? [{ spentAt, answeredAt, storedAt: stored.at, knownAt: known.at }] : []
  })
  return {
    fromAnswer: windows.map(({ answeredAt, storedAt }) => storedAt - answeredAt),
    fromSpent: windows.map(({ spentAt, storedAt }) => storedAt - spentAt),
    untilServed: windows.map(({ answeredAt, knownAt }) => knownAt - answeredAt),
    disk,
  }
}

/** Writes as much as a record has, in place, beside the vault, and syncs it, again and again. */
function startProbe(home: Home) {
  const tookMs: number[] = []
  const stopped = new AbortController()
  const running = (async () => {
    const record = Buffer.alloc(statSync(recordPath(home, APP)).size, 'x')
    await using file = await open(join(home.stateDir, 'probe'), 'w')
    while (!stopped.signal.aborted) {
      const from = performance.now()
      await file.write(record, 0, record.length, 0)
      await file.sync()
      tookMs.push(performance.now() - from)
      await sleep(PROBE_EVERY_MS)
    }
  })()
  return {
    async stop() {
      stopped.abort()
      await running
      return tookMs
    },
  }
}

interface Figures {
  readonly fromAnswer: Spread
  readonly fromSpent: Spread
  readonly untilServed: Spread
  readonly disk: Spread
  readonly median: number
  readonly p99: number
}

function sectionOf({ fromAnswer, fromSpent, untilServed, disk, median, p99 }: Figures): string {
  return `How long there is one copy of a new refresh token, in memory, over ${fromAnswer.count} refreshes by ${LIVES} processes, the first of
each included; and, in the same minutes on the same disk, a file of a record's size that is written in place and synced:

| from | to | |
|---|---|---|
| the answer leaves the server | the record is on the disk | ${inMs(fromAnswer)} |
| the server spends the old token | the record is on the disk | ${inMs(fromSpent)} |
| the answer leaves the server | its directory is synced, and it is served | ${inMs(untilServed)} |
| a write | its sync | ${inMs(disk)} |

So the window is ${median.toFixed(1)} times (median) and ${p99.toFixed(1)} times (p99) what the disk needs; ${MEDIAN_AT_MOST} and ${P99_AT_MOST} times are the aim.
`
}
