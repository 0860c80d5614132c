/** The version of this package, from the nearest `package.json` above this file. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function readPackageVersion(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) {
    if (directory === dirname(directory)) throw new Error('the package has no manifest')
    directory = dirname(directory)
  }
  const manifest = readFileSync(join(directory, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
