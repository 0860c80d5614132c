/**
 * Whose a file is, as far as Node tells on Windows: not at all. `access-list.ts` asks Windows itself, for
 * the directories and files on which the rest depends.
 */

/** No number of any user. */
export function userId(): number {
  return -1
}

export function isRoot(): boolean {
  return false
}

export function isOwn(): boolean {
  return true
}

export function isTrusted(): boolean {
  return true
}

export function othersMayWrite(): boolean {
  return false
}

export function othersMayEnter(): boolean {
  return false
}

/** The name and the first line decide it, not a mode. */
export function isProgram(): boolean {
  return true
}
