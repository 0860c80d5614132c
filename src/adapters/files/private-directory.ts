/** Checks that a directory is private to a user, and names the command that makes it so. */
import type { Stats } from 'node:fs'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'

const { quoted } = platform

/** Why `path` is not private to `uid`, and the command that corrects it; undefined where it is. */
export function notPrivateBecause(path: string, stats: Stats, uid: number): string | undefined {
  if (!ownership.isOwn(stats, uid)) {
    return `belongs to uid ${stats.uid}, and evo-token runs as uid ${uid}: chown ${uid} ${quoted(path)}`
  }
  if (ownership.othersMayEnter(stats)) {
    const mode = (stats.mode & 0o777).toString(8)
    return `is open to others (mode ${mode}): chmod 700 ${quoted(path)}`
  }
  return undefined
}
