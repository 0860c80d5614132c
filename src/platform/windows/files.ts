/** Operations on files for Windows. */
import { constants, openSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Windows has neither: only administrators and developers may make a link, and no file is a pipe. */
export const NO_FOLLOW = 0
export const NO_WAIT = 0

/** What Windows says while another program has the file open: an editor, a virus scanner, a reader. */
const HELD_CODES = ['EPERM', 'EACCES', 'EBUSY']

/** A virus scanner looks at a new file for a second or two. */
const SCANNED_AT_MOST_MS = 2_000
const HELD_AT_MOST_MS = 10_000

export async function replaceFile(from: string, to: string): Promise<void> {
  await whenFree(() => rename(from, to))
}

export async function removeFile(path: string): Promise<void> {
  await whenFree(() => rm(path, { force: true }))
}

export async function whenFree<T>(
  act: () => T | Promise<T>,
  atMostMs = HELD_AT_MOST_MS,
): Promise<T> {
  const deadline = performance.now() + atMostMs
  for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 200)) {
    try {
      return await act()
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!HELD_CODES.includes(code) || performance.now() > deadline) throw error
    }
    await sleep(waitMs)
  }
}

/** Windows cannot sync a directory. NTFS keeps a journal of names, so a synced record is found at the next start. */
export async function syncDirectory(): Promise<void> {
  return Promise.resolve()
}

/** An access list says who may do what. */
export function keepOwnersRights(): void {
  return
}

/** The access list comes from the directory. */
export function createLike(path: string): number {
  return openSync(path, 'wx')
}

/** `UV_FS_O_EXLOCK` of libuv, which Node has no name for: no other process can open the file meanwhile. */
const EXCLUSIVE_FLAG = 0x10000000

export async function openLocked(path: string): Promise<number | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | EXCLUSIVE_FLAG
  try {
    // A daemon keeps it, and a virus scanner lets go of it.
    return await whenFree(() => openSync(path, flags), SCANNED_AT_MOST_MS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return undefined
    throw error
  }
}

/** The locked file itself cannot be read. */
export function pidFileOf(lock: string): string {
  return `${lock}.pid`
}
