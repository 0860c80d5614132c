/** The built program on a terminal of its own, made by script(1). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Home, MAIN } from './daemon-process.ts'
import { missingCommands } from './needs.ts'

/** Why there is no terminal for tests here; undefined where there is one. */
export function noTerminal(): string | undefined {
  return process.platform === 'linux' ? missingCommands('script') : 'needs script'
}

/** Runs `evo-token` on a terminal of its own, as wide as it needs. */
export function onTerminal(home: Pick<Home, 'env'>, args: string, env: NodeJS.ProcessEnv = {}) {
  // Without `exec` a shell would get the terminal's signals too.
  const command = `exec '${process.execPath}' '${MAIN}' ${args}`
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...home.env, TERM: 'xterm', ...env },
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  const ended = once(child, 'close') as Promise<[number | null]>
  return {
    /** What stands on the screen since it was drawn last. */
    screen: () => text.split('\u001b[H').at(-1) ?? '',
    text: () => text,
    type: (keys: string) => child.stdin.write(keys),
    interrupt: () => child.stdin.write('\u0003'),
    /** Takes the terminal away, as a window does that is closed. */
    close: () => child.kill('SIGKILL'),
    ended,
  }
}
