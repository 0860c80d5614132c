/** Runs git, and reads its output as it comes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { platform } from '../../platform/current.ts'

const NO_GIT = 'git cannot be run'

/** `output` has a character for each byte. `failure` resolves when git ends, with why it failed. */
export function streamGit(args: readonly string[], input?: Readable) {
  const command = ['-c', 'core.quotePath=false', ...args]
  const program = platform.programFor('git', process.env)
  if (program === undefined) return { output: Readable.from([]), failure: Promise.resolve(NO_GIT) }
  const child = spawn(program, command, { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'ignore'] })
  const { stdin, stdout } = child
  if (input && stdin) {
    // Git may end before it has read everything; its exit code says whether it failed.
    stdin.on('error', () => undefined)
    input.pipe(stdin)
  }
  if (!stdout) throw new Error('a child without stdout')
  return {
    output: stdout.setEncoding('latin1') as Readable & AsyncIterable<string>,
    failure: awaitFailure(child),
  }
}

async function awaitFailure(child: ChildProcess): Promise<string | undefined> {
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code === 0 ? undefined : 'git finds no such thing here'
  } catch {
    return NO_GIT
  }
}
