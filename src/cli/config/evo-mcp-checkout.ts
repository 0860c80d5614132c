/** Finds a checkout of Seequent's evo-mcp server. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

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
