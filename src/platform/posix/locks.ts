/** Locks on an open file, which the kernel releases however the process ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { SidecarError } from '../../errors.ts'

/** `O_EXLOCK` of macOS, which Node has no name for: open and lock in one call. */
const O_EXLOCK = 0x20

const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/** For macOS. */
export async function openWithExlock(path: string): Promise<number | undefined> {
  try {
    return openSync(path, LOCK_FLAGS | constants.O_NONBLOCK | O_EXLOCK, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}

/**
 * Uses flock(1), since Node has no flock(2). The lock belongs to the open file, which the child
 * shares with us: it outlives the child, and ends when our descriptor is closed.
 */
export async function openWithFlock(path: string): Promise<number | undefined> {
  const descriptor = openSync(path, LOCK_FLAGS, 0o600)
  try {
    if (await flock(descriptor)) return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  closeSync(descriptor)
  return undefined
}

/** Whether we have the lock now; false where another process has it. */
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
