/** The version in the package's own manifest, two folders above this file. */
import { readFileSync } from 'node:fs'

export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
