/** The program that a service runs: this one, by its real path, not through a version manager's shim. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageManifest } from '../../adapters/process/package-version.ts'
import type { Program } from '../../platform/service-manager.ts'

const PACKAGE_DIRECTORY = dirname(packageManifest())

export function thisProgram(): Program {
  return {
    node: realpathSync(process.execPath),
    main: realpathSync(join(PACKAGE_DIRECTORY, 'dist/main.js')),
    digest: programDigest(join(PACKAGE_DIRECTORY, 'dist')),
  }
}

/** A template in the package, such as `systemd/user/evo-token.service`. */
export function readTemplate(path: string): string {
  return readFileSync(join(PACKAGE_DIRECTORY, path), 'utf8')
}

/** 16 hex digits that change whenever the program in `dist` does. */
export function programDigest(dist: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => /\.m?js$/.test(name)).sort()) {
    hash.update(readFileSync(join(dist, file)))
  }
  return hash.digest('hex').slice(0, 16)
}
