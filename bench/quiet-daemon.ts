/** A daemon whose log goes to a file, as it would go to the journal: no process spends time on reading it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, MAIN } from '../test/support/daemon-process.ts'
import { until } from '../test/support/until.ts'

export interface QuietDaemon extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  readonly socket: string
}

/** @param program the file to run and its arguments, if not the daemon that ships. */
export async function startQuietDaemon(
  home: Home,
  program: readonly string[] = [MAIN, 'serve'],
): Promise<QuietDaemon> {
  const log = openSync(join(home.directory, 'log'), 'w')
  const child = spawn(process.execPath, program, {
    env: home.env,
    stdio: ['ignore', log, 'inherit'],
  })
  const exited = once(child, 'exit')
  const endpoint = join(home.stateDir, 'endpoint.json')
  await until('the daemon answers', () => existsSync(endpoint))
  const { url, socket } = JSON.parse(readFileSync(endpoint, 'utf8')) as {
    url: string
    socket: string
  }
  return {
    pid: child.pid ?? 0,
    url,
    socket,
    async [Symbol.asyncDispose]() {
      child.kill()
      await exited
    },
  }
}
