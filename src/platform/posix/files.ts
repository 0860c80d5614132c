/** Operations on files for POSIX. */
import { closeSync, constants, fchownSync, openSync, type Stats } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import type { AccessAnswer } from '../platform.ts'
import { isRoot } from './ownership.ts'

export const NO_FOLLOW = constants.O_NOFOLLOW
export const NO_WAIT = constants.O_NONBLOCK

export async function replaceFile(from: string, to: string): Promise<void> {
  await rename(from, to)
}

/** On POSIX an open file is not closed to other programs. */
export async function whenFree<T>(act: () => T | Promise<T>): Promise<T> {
  return act()
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Owner and mode say it all; they were checked before. */
export async function askAccess(): Promise<AccessAnswer> {
  return Promise.resolve({ kind: 'closed' })
}

export function pidFileOf(lock: string): string {
  return lock
}

export function keepOwnersRights(): void {
  const mask = process.umask(0o077)
  process.umask(mask & ~0o700)
}

/** Root keeps the owner too, so that the daemon's user can still read a config in /etc that root changed. */
export function createLike(path: string, original: Stats | undefined): number {
  const mask = process.umask(0)
  let file: number
  try {
    // openSync is synchronous, so no other file is created with this mask.
    file = openSync(path, 'wx', original ? original.mode & 0o777 : 0o600)
  } finally {
    process.umask(mask)
  }
  try {
    if (original && isRoot()) fchownSync(file, original.uid, original.gid)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}
