/** The desktop of Windows. */
import type { Desktop } from '../platform.ts'
import { systemProgram } from './system-program.ts'

export const desktop: Desktop = {
  noticeCommand: () => undefined,
  mayOpenBrowser: (env) => !env.SSH_CONNECTION,
  // `open` starts a PowerShell with an encoded command, which takes a second, and which organizations forbid
  // or report. No shell reads this line: `&` stays what it is.
  browserCommand: (url, env) => [
    systemProgram('rundll32.exe', env),
    'url.dll,FileProtocolHandler',
    new URL(url).href,
  ],
}
