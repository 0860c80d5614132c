/** Who owns a file and may use it, by uid and mode. */
import type { FileMode, FileOwner } from '../for-clients.ts'

const WRITABLE_BY_OTHERS = 0o022
const OPEN_TO_OTHERS = 0o077

/** The effective user id: files that this process creates belong to that user. */
export function userId(): number {
  return process.geteuid?.() ?? -1
}

export function isRoot(): boolean {
  return userId() === 0
}

export function isOwn(stats: FileOwner, uid = userId()): boolean {
  return stats.uid === uid
}

export function isTrusted(stats: FileOwner, uid = userId()): boolean {
  return stats.uid === uid || stats.uid === 0
}

export function othersMayWrite({ mode }: FileMode): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0
}

export function othersMayEnter({ mode }: FileMode): boolean {
  return (mode & OPEN_TO_OTHERS) !== 0
}

export function isProgram({ mode }: FileMode): boolean {
  return (mode & 0o100) !== 0
}
