/**
 * Keeps a second daemon from the same state directory, by a lock on an open file. The kernel holds it
 * as long as the process exists, and releases it however the process ends. The pid that is written
 * down is for people only.
 */
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import { diskErrorInWords, isDiskError } from '../files/disk-errors.ts'

/** The holder writes its pid at once; half a second is for very busy machines. */
const LOCK_POLLS = 20
const LOCK_POLL_MS = 25

export type LockResult =
  | {
      readonly kind: 'held'
      readonly release: () => void
    }
  | {
      readonly kind: 'taken'
      /** That of the holder; undefined where it could not write it. */
      readonly pid: number | undefined
    }

/** @throws {SidecarError} `failed` where the file cannot be locked. */
export async function acquireLock(path: string): Promise<LockResult> {
  const descriptor = await openLockFile(path)
  const pidFile = platform.files.pidFileOf(path)
  if (descriptor === undefined) return { kind: 'taken', pid: await waitForPid(pidFile) }
  const signed =
    pidFile === path ? descriptor : await platform.files.whenFree(() => openSync(pidFile, 'w'))
  writePid(signed)
  return {
    kind: 'held',
    // The file stays: if it were deleted, two other processes could each lock a file of this name.
    release: () => {
      ftruncateSync(signed)
      if (signed !== descriptor) closeSync(signed)
      closeSync(descriptor)
    },
  }
}

async function openLockFile(path: string): Promise<number | undefined> {
  try {
    return await platform.files.openLocked(path)
  } catch (error) {
    if (!isDiskError(error)) throw error
    throw new SidecarError(
      'failed',
      `The lock ${path} cannot be opened: ${diskErrorInWords(error)}.`,
      {
        hint: 'One daemon per state directory: it needs a directory in which it may lock a file.',
        cause: error,
      },
    )
  }
}

/** A full disk must not keep the daemon from starting: the lock holds without a pid too. */
function writePid(descriptor: number): void {
  try {
    ftruncateSync(descriptor)
    writeSync(descriptor, `${process.pid}\n`, 0)
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}

/** Waits for the pid: when two daemons start together, the holder may not have written it yet. */
async function waitForPid(path: string): Promise<number | undefined> {
  for (let looks = 1; looks < LOCK_POLLS; looks++) {
    const pid = readPid(path)
    if (pid !== undefined) return pid
    await sleep(LOCK_POLL_MS)
  }
  return readPid(path)
}

/** The pid in the file, where the holder has made it; undefined where no such process runs: a killed holder leaves its pid. */
function readPid(path: string): number | undefined {
  const pid = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : 0
  return pid > 0 && isProcessAlive(pid) ? pid : undefined
}

function isProcessAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
