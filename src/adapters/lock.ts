/**
 * One daemon per state directory, by a lock on an open file: the kernel holds it as long as the
 * process lives, stopped or not, and drops it with the process, however that ends. The pid that is
 * written down is for people; nothing is ever decided by it.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SidecarError } from '../errors.ts'
import { platform } from '../platform/current.ts'
import { diskErrorInWords, isDiskError } from './disk-errors.ts'

/** A holder signs at once; half a second is for machines that are very busy. */
const SIGNED_AFTER_LOOKS = 20
const LOOK_MS = 25

export type LockResult =
  | {
      readonly kind: 'held'
      readonly release: () => void
    }
  | {
      readonly kind: 'taken'
      /** Whose it is; undefined where the holder could not write it down. */
      readonly pid: number | undefined
    }

/** @throws {SidecarError} `failed` where there is no way to lock. */
export async function acquireLock(path: string): Promise<LockResult> {
  const descriptor = await openLocked(path)
  const signature = platform.files.signatureOf(path)
  if (descriptor === undefined) return { kind: 'taken', pid: await pidIn(signature) }
  const signed = signature === path ? descriptor : openSync(signature, 'w')
  sign(signed)
  return {
    kind: 'held',
    // The file stays: where one process unlinks a lock, two others can hold one each.
    release: () => {
      ftruncateSync(signed)
      if (signed !== descriptor) closeSync(signed)
      closeSync(descriptor)
    },
  }
}

async function openLocked(path: string): Promise<number | undefined> {
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

/** A full disk must not keep the daemon from starting: the lock holds without a name on it. */
function sign(descriptor: number): void {
  try {
    ftruncateSync(descriptor)
    writeSync(descriptor, `${process.pid}\n`, 0)
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}

/** Of two that start together, the one that is refused may look before the other has signed. */
async function pidIn(signature: string): Promise<number | undefined> {
  for (let looks = 1; looks < SIGNED_AFTER_LOOKS; looks++) {
    const pid = holderOf(signature)
    if (pid !== undefined) return pid
    await sleep(LOOK_MS)
  }
  return holderOf(signature)
}

/** A holder that was killed leaves its pid behind, until the next one writes its own. */
function holderOf(signature: string): number | undefined {
  const pid = Number.parseInt(readFileSync(signature, 'utf8'), 10)
  return pid > 0 && isAlive(pid) ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
