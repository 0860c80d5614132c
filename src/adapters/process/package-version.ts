/** The version of this package, from the nearest `package.json` above this file. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function readPackageVersion(): string {
  return (JSON.parse(readFileSync(packageManifest(), 'utf8')) as { version: string }).version
}

/** The path of the manifest. */
export function packageManifest(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) {
    if (directory === dirname(directory)) throw new Error('the package has no manifest')
    directory = dirname(directory)
  }
  return join(directory, 'package.json')
}
