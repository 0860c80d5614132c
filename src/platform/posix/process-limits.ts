/** Resource limits of this process (getrlimit(2)), which Node has no call for. */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { ProcessLimits } from '../platform.ts'

const PRLIMIT_TIMEOUT_MS = 5_000

/** The soft limit of a line of proc_pid_limits(5), such as `Max open files  1024  4096  files`. */
function softLimit(name: string): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1]
    return soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft)
  } catch {
    // `/proc` is hidden from us.
    return undefined
  }
}

/** Leaves every mapping out of a dump (core(5), "Controlling which mappings are written"). */
function emptyCoreDumps(): boolean {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
    return true
  } catch {
    return false
  }
}

export const linuxLimits: ProcessLimits = {
  // Node raises the soft limit to the hard limit when it starts.
  openFiles: () => softLimit('Max open files'),
  async forbidCoreDumps(env) {
    // A program that takes dumps through a pipe may ignore the limit (core(5)), but gets no memory then.
    const isEmptied = emptyCoreDumps()
    if (softLimit('Max core file size') === 0) return true
    try {
      const args = ['--core=0:0', '--pid', String(process.pid)]
      await promisify(execFile)('prlimit', args, {
        env: { PATH: env.PATH },
        timeout: PRLIMIT_TIMEOUT_MS,
      })
    } catch {
      // util-linux is not installed.
    }
    return isEmptied || softLimit('Max core file size') === 0
  },
}

export const macLimits: ProcessLimits = {
  openFiles() {
    const text = execFileSync('/bin/sh', ['-c', 'ulimit -n'], {
      encoding: 'utf8',
      timeout: PRLIMIT_TIMEOUT_MS,
    }).trim()
    return text === 'unlimited' ? Infinity : Number(text)
  },
  // Another process cannot lower it; macOS writes no core unless `ulimit -c` was raised.
  async forbidCoreDumps() {
    const shown = await promisify(execFile)('/bin/sh', ['-c', 'ulimit -c'], {
      timeout: PRLIMIT_TIMEOUT_MS,
    })
    return shown.stdout.trim() === '0'
  },
}
