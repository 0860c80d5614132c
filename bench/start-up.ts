/** From the start of the process until it listens, with 1, 100 and 1,000 stored sessions, in turn. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { median, milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const COUNTS = [1, 100, 1_000] as const
const ROUNDS = 7

export async function benchStartUp(): Promise<void> {
  const homes = await Promise.all(COUNTS.map(homeWithSessions))
  const times = COUNTS.map((): number[] => [])
  try {
    for (let round = 0; round < ROUNDS; round++) {
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
  const [one = Number.NaN] = medians
  console.log(`start until it listens, medians of ${ROUNDS}:`)
  for (const [at, count] of COUNTS.entries()) {
    const time = medians[at] ?? Number.NaN
    const more = at === 0 ? '' : `  ${milliseconds(time - one)} more than one (aim: at most 500 ms)`
    console.log(`  ${String(count).padStart(5)} sessions  ${milliseconds(time)}${more}`)
  }
}
