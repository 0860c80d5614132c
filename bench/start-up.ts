/** From the start of the process until it listens, with 1, 100 and 1,000 stored sessions, in turn. */
import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { aim, median, milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const COUNTS = [1, 100, 1_000] as const
const ROUNDS = 7

export async function benchStartUp(): Promise<void> {
  const homes = await Promise.all(COUNTS.map(homeWithSessions))
  const times = COUNTS.map((): number[] => [])
  const bare: number[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = performance.now()
      spawnSync(process.execPath, ['-e', '0'])
      bare.push(performance.now() - startedAt)
      for (const [at, home] of homes.entries()) {
        await rm(join(home.stateDir, 'endpoint.json'), { force: true })
        const begun = performance.now()
        await using _daemon = await startQuietDaemon(home)
        times[at]?.push(performance.now() - begun)
      }
    }
  } finally {
    await Promise.all(homes.map((home) => home.remove()))
  }
  const medians = times.map(median)
  const [one = Number.NaN, , thousand = Number.NaN] = medians
  console.log(`start until it listens, medians of ${ROUNDS}:`)
  console.log(`  node -e 0       ${milliseconds(median(bare))}`)
  for (const [at, count] of COUNTS.entries()) {
    console.log(
      `  ${String(count).padStart(5)} sessions  ${milliseconds(medians[at] ?? Number.NaN)}`,
    )
  }
  aim('start with one session to node -e 0', one / median(bare), { atMost: 9.5 })
  aim('1,000 sessions more than one', thousand - one, { atMost: 400, unit: ' ms' })
}
