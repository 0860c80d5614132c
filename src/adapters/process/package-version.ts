/** The manifest of this package: the nearest `package.json` above this file that has a version. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function readPackageVersion(): string {
  const version = readManifestVersion(packageManifest())
  if (version === undefined) throw new Error('the package has no version')
  return version
}

/** The path of the manifest. */
export function packageManifest(): string {
  let directory = import.meta.dirname
  // One without a version only says how Node reads the files beside it.
  while (readManifestVersion(join(directory, 'package.json')) === undefined) {
    if (directory === dirname(directory)) throw new Error('the package has no manifest')
    directory = dirname(directory)
  }
  return join(directory, 'package.json')
}

function readManifestVersion(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version
}
