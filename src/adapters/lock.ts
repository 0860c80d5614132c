/**
 * One daemon per state directory, by a lock on an open file: the kernel holds it as long as the
 * process lives, stopped or not, and drops it with the process, however that ends. The pid inside
 * the file is for people; nothing is ever decided by it.
 */
import { spawn } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { SidecarError } from '../errors.ts'
import { diskErrorInWords, isDiskError } from './disk-errors.ts'

/** `O_EXLOCK` of macOS, which Node has no name for: open and lock in one call. */
const O_EXLOCK = 0x20

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
  if (descriptor === undefined) return { kind: 'taken', pid: await signature(path) }
  signFor(descriptor)
  return {
    kind: 'held',
    // The file stays: whoever unlinks a lock lets two others hold one each.
    release: () => {
      ftruncateSync(descriptor)
      closeSync(descriptor)
    },
  }
}

/**
 * A plain descriptor, not a `FileHandle`, which is closed, and the lock lost, when nobody refers
 * to it any more.
 */
async function openLocked(path: string): Promise<number | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  try {
    if (process.platform === 'darwin') {
      return openSync(path, flags | constants.O_NONBLOCK | O_EXLOCK, 0o600)
    }
    const descriptor = openSync(path, flags, 0o600)
    const locked = await flock(descriptor).catch((error: unknown) => {
      closeSync(descriptor)
      throw error
    })
    if (locked) return descriptor
    closeSync(descriptor)
    return undefined
  } catch (error) {
    if (!isDiskError(error)) throw error
    if (error.code === 'EAGAIN') return undefined
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

/**
 * Node has no flock(2). The lock belongs to the open file, which flock(1) shares with us: it
 * outlives that child, and ends when our descriptor is closed.
 */
async function flock(descriptor: number): Promise<boolean> {
  const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', descriptor] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [[code], complaint] = await Promise.all([
    ended,
    child.stderr ? text(child.stderr) : '',
  ]).catch((error: unknown) => {
    const message = 'The command flock, which locks the state directory, cannot be run.'
    throw new SidecarError('failed', message, {
      hint: 'Install it: it comes with util-linux, and with busybox.',
      cause: error,
    })
  })
  if (code === 0 || code === 1) return code === 0
  throw new SidecarError('failed', `The state directory cannot be locked: ${complaint.trim()}.`, {
    hint: 'Choose one on a file system with locks, with --state-dir or $EVO_TOKEN_STATE_DIR.',
  })
}

/** A full disk must not keep the daemon from starting: the lock holds without a name on it. */
function signFor(descriptor: number): void {
  try {
    ftruncateSync(descriptor)
    writeSync(descriptor, `${process.pid}\n`, 0)
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}

/** Of two that start together, the one that is refused may look before the other has signed. */
async function signature(path: string): Promise<number | undefined> {
  for (let looks = 1; looks < SIGNED_AFTER_LOOKS; looks++) {
    const pid = holderOf(path)
    if (pid !== undefined) return pid
    await sleep(LOOK_MS)
  }
  return holderOf(path)
}

/** A holder that was killed leaves its pid behind, until the next one writes its own. */
function holderOf(path: string): number | undefined {
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
  return pid > 0 && isAlive(pid) ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
