/** What `evo-token get` takes of a shell's time, beside the start of Node itself, in turn. */
import { spawnSync } from 'node:child_process'
import { MAIN } from '../test/support/daemon-process.ts'
import { aim, median, milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 60

export async function benchGet(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using _daemon = await startQuietDaemon(home)
  const measure = (args: readonly string[]) => {
    const startedAt = performance.now()
    const { status, stderr } = spawnSync(process.execPath, args, { env: home.env })
    const tookMs = performance.now() - startedAt
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr.toString()}`)
    return tookMs
  }
  const bare: number[] = []
  const get: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(measure(['-e', '0']))
    get.push(measure([MAIN, 'get', 'app-1']))
  }
  console.log(`evo-token get, medians of ${ROUNDS}:`)
  console.log(`  node -e 0      ${milliseconds(median(bare))}`)
  console.log(`  evo-token get  ${milliseconds(median(get))}`)
  const [major] = process.versions.node.split('.')
  aim('get to node -e 0', median(get) / median(bare), { atMost: Number(major) < 22 ? 1.5 : 1.25 })
}
