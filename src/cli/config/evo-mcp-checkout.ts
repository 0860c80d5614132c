/** Finds a checkout of Seequent's evo-mcp server, and gets it ready for its token. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDiskError } from '../../adapters/files/disk-errors.ts'

/** Where people keep checkouts, below their home. */
const USUAL = [
  ...['', 'src', 'code', 'git', 'dev', 'work', 'repos', 'projects', 'source/repos'],
  ...['Documents', 'Documents/GitHub'],
]

export function isEvoMcpCheckout(directory: string): boolean {
  return existsSync(join(directory, 'src/evo_mcp'))
}

/** The first of the directory `here`, `evo-mcp` in it, and `evo-mcp` where people keep checkouts. */
export function findEvoMcpCheckout(home: string, here: string): string | undefined {
  const beside = [here, join(here, 'evo-mcp')]
  return [...beside, ...USUAL.map((name) => join(home, name, 'evo-mcp'))].find(isEvoMcpCheckout)
}

/**
 * Makes the directory of its token file, which evo-mcp itself makes when it first runs. Where the disk
 * refuses, `config check` and `status` say that the file has no directory.
 */
export function makeCacheDirectory(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}
