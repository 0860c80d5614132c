/** What the project is made of: as the documents say, exact, and without scripts that run unasked. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'

const ROOT = join(import.meta.dirname, '..')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}

interface Locked {
  readonly version: string
  /** Where it is not the folder's. */
  readonly name?: string
  readonly license?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly dev?: boolean
}

const manifest = JSON.parse(read('package.json')) as Manifest
const lockfile = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const packages = Object.entries(lockfile.packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ folder: path.replace(/^.*node_modules\//, ''), path, ...locked }))

describe('docs/dependencies.md', () => {
  it.each(['dependencies', 'devDependencies'] as const)(
    'has one row for each of the %s',
    (kind) => {
      const document = read('docs/dependencies.md')
      const [runtime = '', tools = ''] = document.split('\n## In tests')
      const rows = (kind === 'dependencies' ? runtime : tools)
        .split('\n')
        .filter((line) => line.startsWith('| `'))
        .map((line) => line.split('|').map((cell) => cell.trim()))
      const facts = rows.map(([, name, version, licence, , script]) => [
        name,
        version,
        licence,
        script,
      ])
      const expected = Object.keys(manifest[kind]).map((name) => {
        const { version, license, hasInstallScript } = locked(name)
        return [`\`${name}\``, version, license, hasInstallScript ? 'denied' : 'none']
      })
      expect(facts).toEqual(expected)
      for (const [, , , , release, , why] of rows) {
        expect(release).toMatch(/^\d{4}(-\d\d)?$/)
        expect(why).toMatch(/.\.$/)
      }
    },
  )
})

describe('package.json', () => {
  it('names every dependency with an exact version, which the lockfile has', () => {
    const wanted = { ...manifest.dependencies, ...manifest.devDependencies }
    for (const [name, version] of Object.entries(wanted)) {
      expect(version, name).toMatch(/^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+$/)
      expect(version.replace(/^npm:.*@/, '')).toBe(locked(name).version)
    }
  })

  it('denies or pins the script of every package that has one, and of no other', () => {
    const scripted = packages.filter(({ hasInstallScript }) => hasInstallScript)
    const answered = scripted.map(({ name, folder, version }) => {
      const known = name ?? folder
      return manifest.allowScripts[known] === false ? known : `${known}@${version}`
    })
    expect(Object.keys(manifest.allowScripts).sort()).toEqual(answered.sort())
  })
})

describe('the lockfile', () => {
  it('has a checksum for every package, and no address that only one machine knows', () => {
    for (const { path, integrity, resolved } of packages) {
      expect(integrity, path).toMatch(/^sha512-/)
      expect(resolved, path).toBeUndefined()
    }
  })

  it('brings no package into the daemon whose licence asks for more than to be named', () => {
    const licences = packages.filter(({ dev }) => !dev).map(({ license }) => license)
    for (const licence of new Set(licences)) {
      expect(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']).toContain(licence)
    }
  })
})

describe('npm', () => {
  const missing = missingCommands('npm')

  itNeeds(missing)('runs no script of a package, also where it knows no allowScripts', () => {
    expect(npm('config', 'get', 'ignore-scripts').trim()).toBe('true')
  })

  itNeeds(missing)('lists what the daemon is made of', () => {
    // Not with --omit=dev, which leaves out what both need, zod and jose among it (npm 11.19).
    const list = npm('sbom', '--offline', '--package-lock-only', '--sbom-format=cyclonedx')
    const { components } = JSON.parse(list) as { components: Component[] }
    const listed = components
      .filter(
        ({ properties = [] }) => !properties.some(({ name }) => name.endsWith(':development')),
      )
      .map(({ name, version }) => `${name}@${version}`)
    const needed = packages
      .filter(({ dev }) => !dev)
      .map(({ folder, version }) => `${folder}@${version}`)
    expect(listed.sort()).toEqual(needed.sort())
  })
})

interface Component {
  readonly name: string
  readonly version: string
  readonly properties?: readonly { readonly name: string }[]
}

function npm(...args: string[]): string {
  // What the test runner was started with must not answer for the project.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME }
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${stderr}`)
  return stdout
}

function locked(name: string): Locked {
  const found = lockfile.packages[`node_modules/${name}`]
  if (!found) throw new Error(`${name} is not in the lockfile`)
  return found
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
