/** Runs a program that is part of Windows to its end. A busy system may not be able to start one just now. */
import { execFile } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemProgram } from './system-program.ts'

/** Errors that pass. */
const PASSING_ERRORS = new Set(['UNKNOWN', 'EAGAIN', 'EBUSY', 'EMFILE', 'ENOMEM'])
const START_ATTEMPTS = 4
const PAUSE_MS = 250

/** What it printed. Rejects as `execFile` does. */
export async function runSystemProgram(
  name: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly timeout?: number } = {},
): Promise<string> {
  const file = systemProgram(name, process.env)
  for (let attempt = 1; ; attempt++) {
    try {
      // It throws, and does not reject, where the process cannot be created.
      return (await promisify(execFile)(file, [...args], { ...options, windowsHide: true })).stdout
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (attempt === START_ATTEMPTS || code === undefined || !PASSING_ERRORS.has(code)) throw error
    }
    await setTimeout(PAUSE_MS)
  }
}
