/** Finds a checkout of Seequent's evo-mcp server, and makes the directory of its token file. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDiskError } from '../../adapters/files/disk-errors.ts'

/** Where people keep checkouts, below their home directory. */
const USUAL_PLACES = [
  ...['', 'src', 'code', 'git', 'dev', 'work', 'repos', 'projects', 'source/repos'],
  ...['Documents', 'Documents/GitHub'],
]

export function isEvoMcpCheckout(directory: string): boolean {
  return existsSync(join(directory, 'src/evo_mcp'))
}

/** Looks at `here`, at `evo-mcp` in it, and then where people keep checkouts. */
export function findEvoMcpCheckout(home: string, here: string): string | undefined {
  const beside = [here, join(here, 'evo-mcp')]
  return [...beside, ...USUAL_PLACES.map((name) => join(home, name, 'evo-mcp'))].find(
    isEvoMcpCheckout,
  )
}

/**
 * Makes the directory of its token file, as evo-mcp does when it first runs. A disk error is left to
 * `config check` and `status`, which say that the file has no directory.
 */
export function makeCacheDirectory(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}
