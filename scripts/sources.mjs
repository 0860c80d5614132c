/** How our sources are read, whatever is made of them. */
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

export const sources = {
  cwd: root,
  platform: 'node',
  logLevel: 'warn',
  transform: { target: 'node20.19' },
  // The other form of jsonc-parser loads its parts in a way that no bundler sees.
  resolve: { mainFields: ['module', 'main'] },
}
