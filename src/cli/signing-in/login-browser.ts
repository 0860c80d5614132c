/** Opens a browser for a sign-in. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { platform } from '../../platform/current.ts'

/** Whether a browser could be started; whether a page appears is unknown. */
export async function openBrowser(url: string): Promise<boolean> {
  try {
    const command = platform.desktop.browserCommand(url, process.env)
    if (command) await startOnItsOwn(command)
    else await (await import('open')).default(url)
    return true
  } catch {
    // There is no browser to start: the person can open the link by hand.
    return false
  }
}

/** Starts a program that outlives this one. */
async function startOnItsOwn([file, ...args]: readonly [string, ...string[]]): Promise<void> {
  const program = spawn(file, args, { detached: true, stdio: 'ignore' })
  await once(program, 'spawn')
  program.unref()
}
