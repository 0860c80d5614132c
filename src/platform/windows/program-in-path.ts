/** Finds a program as PowerShell does: only where PATH says so. */
import { statSync } from 'node:fs'
import { win32 } from 'node:path'
import type { Env } from '../for-clients.ts'

/** What Windows can start without a shell. */
const PROGRAM_ENDINGS = ['.com', '.exe']

/** On a drive or on another machine: `\tools` and `C:tools` depend on the current directory. */
const WHOLE_PATH = /^(?:[a-z]:[\\/]|[\\/]{2}[^\\/])/i

/**
 * The whole path of the program, so that Node's spawn does not search for it: it would look in the current
 * directory first, which may be a clone, and in the relative directories of PATH.
 */
export function programInPath(
  name: string,
  env: Env,
  isFile: (path: string) => boolean = isThere,
): string | undefined {
  if (/[\\/:]/.test(name)) return name
  const names = PROGRAM_ENDINGS.includes(win32.extname(name).toLowerCase())
    ? [name]
    : PROGRAM_ENDINGS.map((ending) => name + ending)
  return directoriesOf(env)
    .flatMap((directory) => names.map((file) => win32.join(directory, file)))
    .find(isFile)
}

/** What PowerShell runs by name, in its order: what npm installs, and pip. */
const COMMAND_ENDINGS = ['.ps1', '.exe', '.cmd']

export function commandPaths(name: string, env: Env): string[] {
  return directoriesOf(env).flatMap((directory) =>
    COMMAND_ENDINGS.map((ending) => win32.join(directory, name + ending)),
  )
}

/** A directory may be in quotes, with a semicolon in it. */
function directoriesOf(env: Env): string[] {
  // In a copy of the environment its letters count: Windows itself writes `Path`.
  const [key = 'PATH'] = Object.keys(env)
    .filter((name) => name.toUpperCase() === 'PATH')
    .sort()
  const entries = env[key]?.match(/(?:"[^"]*"|[^;"])+/g) ?? []
  return entries.map((entry) => entry.replaceAll('"', '')).filter((entry) => WHOLE_PATH.test(entry))
}

function isThere(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
