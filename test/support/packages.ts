/** Set-up of the project that installs packages: makes them, where a source has changed since. */
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { build, type Product } from './build.ts'
import { ROOT } from './evo-world.ts'

export const PACKAGES = join(ROOT, 'build/packages')

/** The Debian package that carries a Node. */
export const WITH_NODE = join(ROOT, 'build/packages-with-node')

const SOURCES = [
  ...['package-lock.json', 'package.json', 'scripts', 'src', 'systemd', 'launchd', 'windows'],
  ...['man', 'clients', 'config.example.json', 'config.schema.json', 'CHANGELOG.md'],
]

const PRODUCTS: readonly Product[] = [
  {
    name: 'packages',
    command: ['scripts/package.mjs'],
    sources: SOURCES,
    main: 'build/packages',
  },
  {
    name: 'packages-with-node',
    command: ['scripts/package.mjs', 'deb', '--with-node', '--to', 'build/packages-with-node'],
    sources: SOURCES,
    main: 'build/packages-with-node',
  },
]

export async function setup(project: TestProject): Promise<void> {
  project.onTestsRerun(() => build(...PRODUCTS))
  await build(...PRODUCTS)
}
