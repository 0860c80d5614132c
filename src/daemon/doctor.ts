/** Runs `doctor` as a process of its own: it looks at the daemon from outside, as a person's command does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { diskErrorInWords, isDiskError } from '../adapters/files/disk-errors.ts'
import { packageManifest } from '../adapters/process/package-version.ts'
import { SidecarError } from '../errors.ts'

const MAIN_PROGRAM = join(dirname(packageManifest()), 'dist/main.js')

export interface DoctorOptions {
  readonly env: NodeJS.ProcessEnv
  readonly configPath: string | undefined
  readonly stateDir: string
  readonly socket: () => string | undefined
}

/** At most one runs at a time. */
export function createDoctor({ env, configPath, stateDir, socket }: DoctorOptions) {
  let isRunning = false
  /** @throws {SidecarError} `unavailable` while another one runs, or where none can be started. */
  return async (signal: AbortSignal): Promise<AsyncIterable<string>> => {
    if (isRunning) {
      throw new SidecarError('unavailable', 'doctor is running already.', {
        hint: 'Wait until it has ended.',
      })
    }
    if (!existsSync(MAIN_PROGRAM)) throw notRun('its files are not where they were')
    isRunning = true
    const path = socket()
    const args = [
      ...['doctor', '--json-lines', '--state-dir', stateDir],
      ...(configPath === undefined ? [] : ['--config', configPath]),
      ...(path === undefined ? [] : ['--socket', path]),
    ]
    try {
      const child = spawn(process.execPath, [MAIN_PROGRAM, ...args], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
        signal,
      })
      // `signal` ends it with an error.
      child.on('error', () => undefined)
      child.once('close', () => {
        isRunning = false
      })
      // Until then there may be no stdout either: too many files are open.
      await once(child, 'spawn')
      return createInterface(child.stdout)
    } catch (error) {
      isRunning = false
      if (!isDiskError(error)) throw error
      throw notRun(diskErrorInWords(error), error)
    }
  }
}

function notRun(reason: string, cause?: unknown): SidecarError {
  return new SidecarError('unavailable', `doctor cannot be run: ${reason}.`, {
    hint: 'Run `evo-token doctor` in a terminal.',
    cause,
  })
}
