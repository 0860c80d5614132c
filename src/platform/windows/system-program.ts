/** Programs that are part of Windows. */
import { join } from 'node:path'
import type { Env } from '../for-clients.ts'

export const POWERSHELL = String.raw`WindowsPowerShell\v1.0\powershell.exe`

/** By its whole path: a program of this name in the current directory or in PATH is another. */
export function systemProgram(name: string, env: Env): string {
  return join(env.SystemRoot || String.raw`C:\Windows`, 'System32', name)
}
