/**
 * Where Seequent's evo-mcp server keeps its access token: it reads the file at each use, and opens a
 * browser where the file has no token, or an expired one.
 */
import type { TokenFile } from '../config/config.ts'

const CACHE_PATH = '.cache/evo_token_cache.json'

/** The token file for a checkout of evo-mcp. */
export function evoMcpFile(app: string, checkout: string) {
  return { app, path: `${checkout.replace(/[\\/]+$/, '')}/${CACHE_PATH}`, format: 'json' } as const
}

/** Whether evo-mcp would read the file. */
export function isEvoMcpFile({ path }: Pick<TokenFile, 'path'>): boolean {
  return path.replaceAll('\\', '/').endsWith(`/${CACHE_PATH}`)
}
