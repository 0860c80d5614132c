/** 10,000 apps in one daemon: its start, its heartbeat, its memory for each app, and `evo-token status`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAIN } from '../test/support/daemon-process.ts'
import { aim, median, milliseconds } from './figures.ts'
import { residentMiB } from './memory.ts'
import { type QuietDaemon, startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

/** Each is twice the one before: memory that is linear grows twice as much at the second step. */
const COUNTS = [2_500, 5_000, 10_000] as const
const ROUNDS = 5
const BEAT_MS = 5_000
const BEATS = 6
/** What a start leaves to do, and its garbage. */
const SETTLE_MS = 12_000

interface Seen {
  readonly startMs: number
  /** Of the start, with what other threads did. */
  readonly startCpuMs: number
  readonly residentMiB: number
  readonly statusMs: number
  /** Of one beat. V8 collects garbage once in a while when it is idle, which takes as long as a hundred of them. */
  readonly beatMs: number
}

export async function benchTenThousandApps(): Promise<void> {
  const seen: Seen[] = []
  for (const count of COUNTS) seen.push(await measure(count))
  console.log(`many apps, each with a session that is fresh (status: median of ${ROUNDS}):`)
  for (const [at, { startMs, startCpuMs, residentMiB, statusMs, beatMs }] of seen.entries()) {
    console.log(
      `  ${String(COUNTS[at]).padStart(6)} apps  start ${milliseconds(startMs)} (processor ${milliseconds(startCpuMs)})  status ${milliseconds(statusMs)}` +
        `  ${residentMiB} MiB  ${beatMs.toFixed(1)} ms of processor a beat`,
    )
  }
  const [some, more, most] = seen
  if (!some || !more || !most) throw new Error('each count is measured')
  const first = kibForEach(some, more, COUNTS[1] - COUNTS[0])
  const second = kibForEach(more, most, COUNTS[2] - COUNTS[1])
  console.log(`  memory for each app more: ${first.toFixed(1)} KiB, then ${second.toFixed(1)} KiB`)
  aim('memory for an app of the last 5,000 to one before', second / first, { atMost: 1.25 })
  aim('start', most.startMs, { atMost: 4_000, unit: ' ms' })
  aim('evo-token status', most.statusMs, { atMost: 300, unit: ' ms' })
  aim('processor time of a heartbeat', most.beatMs, { atMost: 10, unit: ' ms' })
  aim('% of a core, idle', (most.beatMs / BEAT_MS) * 100, { atMost: 0.5 })
}

async function measure(count: number): Promise<Seen> {
  await using home = await homeWithSessions(count)
  const startedAt = performance.now()
  await using daemon = await startQuietDaemon(home)
  const startMs = performance.now() - startedAt
  const startCpuMs = await processorMs(daemon)
  await sleep(SETTLE_MS)
  const beats: number[] = []
  for (let beat = 0; beat < BEATS; beat++) {
    const before = await processorMs(daemon)
    await sleep(BEAT_MS)
    beats.push((await processorMs(daemon)) - before)
  }
  const resident = await residentMiB(daemon.pid)
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now()
    const child = spawn(process.execPath, [MAIN, 'status'], { env: home.env, stdio: 'ignore' })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`evo-token status ended with ${String(code)}`)
    times.push(performance.now() - begun)
  }
  return {
    startMs,
    startCpuMs,
    residentMiB: resident,
    statusMs: median(times),
    beatMs: median(beats),
  }
}

function kibForEach(fewer: Seen, more: Seen, apps: number): number {
  return ((more.residentMiB - fewer.residentMiB) * 1_024) / apps
}

/** Of all its threads so far (Documentation/scheduler/sched-stats: the first field, in nanoseconds). */
async function processorMs({ pid }: QuietDaemon): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(
    tasks.map(async (task) => {
      const stat = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
      return Number(stat.split(' ')[0])
    }),
  )
  return times.reduce((sum, time) => sum + time, 0) / 1_000_000
}
