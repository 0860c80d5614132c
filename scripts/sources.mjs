/** How rolldown reads our sources, for every build. */
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

export const sources = {
  cwd: root,
  platform: 'node',
  logLevel: 'warn',
  transform: { target: 'node20.19' },
  // The CommonJS form of jsonc-parser loads its parts in a way that bundlers cannot follow.
  resolve: { mainFields: ['module', 'main'] },
}
