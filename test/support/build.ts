/**
 * Set-up of the projects that start what is built: builds `dist/`, and the programs of `build/`,
 * where a source has changed since. Of two runs that begin together one builds, and the other waits.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { acquireLock } from '../../src/adapters/process/lock.ts'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '../..')
const BUILD = join(ROOT, 'build')

/** Longer than a build takes on a slow machine. */
const OTHER_RUN_MS = 5 * 60_000

export interface Product {
  readonly name: string
  /** A program of Node, with its arguments. Types are not looked at: `npm run check` does that. */
  readonly command: readonly string[]
  readonly sources: readonly string[]
  /** Stands for everything that the command makes. */
  readonly main: string
}

const PRODUCTS: readonly Product[] = [
  {
    name: 'dist',
    command: ['scripts/build.mjs'],
    sources: ['package-lock.json', 'tsconfig.json', 'scripts', 'src'],
    main: 'dist/main.js',
  },
  {
    name: 'build',
    command: ['scripts/build-tools.mjs'],
    sources: ['package-lock.json', 'scripts', 'src', 'bench', 'demo', 'test'],
    main: 'build/test/faults/daemon-entry.js',
  },
]

export async function setup(project: TestProject): Promise<void> {
  project.onTestsRerun(() => build())
  await build()
}

/** @param more what is made besides, of what tests usually need. */
export async function build(...more: readonly Product[]): Promise<void> {
  const products = [...PRODUCTS, ...more]
  if (!products.some(isOld)) return
  mkdirSync(BUILD, { recursive: true })
  const lock = await until(
    'another run of the tests has built the program',
    () => acquireLock(join(BUILD, 'lock')),
    ({ kind }) => kind === 'held',
    { limitMs: OTHER_RUN_MS },
  )
  try {
    for (const product of products) if (isOld(product)) await make(product)
  } finally {
    if (lock.kind === 'held') lock.release()
  }
}

async function make({ name, command }: Product): Promise<void> {
  process.stderr.write(`Building ${name}/ …\n`)
  // A source that changes while it is read is newer than this file.
  const begun = join(BUILD, `${name}.begun`)
  writeFileSync(begun, '')
  try {
    await promisify(execFile)(process.execPath, command, { cwd: ROOT })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${name}/ could not be built:\n${stdout}${stderr}`, { cause: error })
  }
  renameSync(begun, builtAt(name))
}

/** The file whose time is that of the sources that `name` was built from. */
function builtAt(name: string): string {
  return join(BUILD, `${name}.built`)
}

function isOld({ name, sources, main }: Product): boolean {
  const built = statSync(builtAt(name), { throwIfNoEntry: false })
  if (!built || !statSync(join(ROOT, main), { throwIfNoEntry: false })) return true
  return sources.some((source) => lastChange(join(ROOT, source)) >= built.mtimeMs)
}

/** When `path`, or anything in it, was last changed, added or removed. */
function lastChange(path: string): number {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  const inside = readdirSync(path).map((name) => lastChange(join(path, name)))
  return Math.max(stats.mtimeMs, ...inside)
}
