/** What the guard takes of a commit's time that adds 10 MB in one line, beside that of `git diff`. */
import { spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { createRepository } from '../test/cli/repository.ts'
import { MAIN } from '../test/support/daemon-process.ts'
import { aim, median, milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 5
const BYTES = 10 * 1024 * 1024

/**
 * A map, a picture in base64, a dump with more ids than the daemon is asked about, what is nothing, and
 * base64 that is text at each alignment, once more encoded.
 */
const LINES: Readonly<Record<string, () => string>> = {
  GeoJSON: () => repeated(() => `[${coordinate(180)},${coordinate(90)}],`),
  base64: () => randomBytes(BYTES).toString('base64').slice(0, BYTES),
  'JSON of ids': () => repeated(() => `{"id":"${randomUUID()}","v":1},`),
  'one letter': () => 'a'.repeat(BYTES),
  'crafted base64': () =>
    repeated(() => `${Buffer.from('V'.repeat(40)).toString('base64')}${'V'.repeat(40)} `),
}

export async function benchGuard(): Promise<void> {
  await using home = await homeWithSessions(3)
  await using _daemon = await startQuietDaemon(home)
  console.log(`guard check of 10 MB in one line, medians of ${ROUNDS}:`)
  for (const [name, line] of Object.entries(LINES)) {
    using repository = createRepository()
    repository.stage('line', line())
    const measure = (program: string, args: readonly string[]) => {
      const startedAt = performance.now()
      const options = { cwd: repository.directory, env: home.env, maxBuffer: 2 * BYTES }
      const { status, stderr } = spawnSync(program, args, options)
      const tookMs = performance.now() - startedAt
      if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr.toString()}`)
      return tookMs
    }
    const git: number[] = []
    const guard: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      git.push(measure('git', ['diff', '--cached']))
      guard.push(measure(process.execPath, [MAIN, 'guard', 'check']))
    }
    console.log(`  ${name.padEnd(14)} git diff ${milliseconds(median(git)).trim()}`)
    aim(`guard check of ${name}`, median(guard), { atMost: 1000, unit: ' ms' })
  }
}

function repeated(part: () => string): string {
  const parts: string[] = []
  for (let length = 0; length < BYTES; length += parts.at(-1)?.length ?? 0) parts.push(part())
  return parts.join('')
}

function coordinate(most: number): string {
  return ((Math.random() * 2 - 1) * most).toFixed(14)
}
