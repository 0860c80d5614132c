/** Finds the process of a daemon that does not answer. A person may be told to end it, so no other process may be named. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import type { Endpoint } from '../core/endpoint.ts'

/** On Linux; other systems do not list the open files of a process there. */
const OPEN_FILES_OF_SELF = '/proc/self/fd'

/**
 * The process that wrote `endpoint`, if it still is a daemon of this state directory. A daemon that was
 * killed leaves its number, and another program may have it by now.
 *
 * @param lock the file that a daemon keeps open as long as it runs.
 */
export function runningDaemon(endpoint: Endpoint | undefined, lock: string): number | undefined {
  const pid = endpoint?.pid
  if (pid === undefined || !(pid > 0)) return undefined
  try {
    process.kill(pid, 0)
    return !existsSync(OPEN_FILES_OF_SELF) || hasOpen(pid, lock) ? pid : undefined
  } catch {
    // The process is gone or is another user's, or the lock was removed.
    return undefined
  }
}

/** Compares device and inode, not paths: a service has mounts of its own, where the path may differ. */
function hasOpen(pid: number, path: string): boolean {
  const directory = `/proc/${pid}/fd`
  const { dev, ino } = statSync(path)
  return readdirSync(directory).some((name) => {
    const opened = statSync(`${directory}/${name}`, { throwIfNoEntry: false })
    return opened?.dev === dev && opened.ino === ino
  })
}

/** Whether the daemon that wrote `endpoint` listens at `place`. */
export function isPlaceOf(endpoint: Endpoint | undefined, place: string): boolean {
  return endpoint !== undefined && (place === endpoint.socket || place === endpoint.url)
}
