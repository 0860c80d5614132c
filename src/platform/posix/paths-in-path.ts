/** Where a shell looks for a command, in its order. */
import { delimiter, isAbsolute, join } from 'node:path'
import type { Env } from '../for-clients.ts'

export function pathsInPath(name: string, { PATH = '' }: Env): string[] {
  const directories = PATH.split(delimiter).filter((directory) => isAbsolute(directory))
  return directories.map((directory) => join(directory, name))
}
