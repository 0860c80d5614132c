/** What the project is made of: as the documents say, exact, and without scripts that run unasked. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'

const ROOT = join(import.meta.dirname, '..')

interface Manifest {
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
}

const manifest = JSON.parse(read('package.json')) as Manifest
const lockfile = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const packages = Object.entries(lockfile.packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ folder: path.replace(/^.*node_modules\//, ''), path, ...locked }))

/** What ships holds these, each as `NAME@VERSION`, with its licence: from the notices that ship with it. */
const shipped = new Map(
  [...read('dist/NOTICES.txt').matchAll(/^-{80}\n\n(\S+) (\S+) \((\S+)\)$/gm)].map(
    ([, name = '', version = '', licence = '']) => [`${name}@${version}`, licence],
  ),
)

function ships({ name, folder, version }: { name?: string; folder: string; version: string }) {
  return shipped.has(`${name ?? folder}@${version}`)
}

describe('docs/dependencies.md', () => {
  it.each(['ships', 'is a tool'] as const)(
    'has one row for each of our dependencies that %s',
    (kind) => {
      const document = read('docs/dependencies.md')
      const [runtime = '', tools = ''] = document.split('\n## In tests')
      const rows = (kind === 'ships' ? runtime : tools)
        .split('\n')
        .filter((line) => line.startsWith('| `'))
        .map((line) => line.split('|').map((cell) => cell.trim()))
      const facts = rows.map(([, name, version, licence, , script]) => [
        name,
        version,
        licence,
        script,
      ])
      const named = Object.keys(manifest.devDependencies)
      const expected = named.flatMap((name) => {
        const { version, license, hasInstallScript, ...rest } = locked(name)
        if (ships({ ...rest, folder: name, version }) !== (kind === 'ships')) return []
        return [[`\`${name}\``, version, license, hasInstallScript ? 'denied' : 'none']]
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
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
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

  it('brings no package into what ships whose licence asks for more than to be named', () => {
    expect(shipped.size).toBeGreaterThan(50)
    for (const licence of new Set(shipped.values())) {
      expect(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']).toContain(licence)
    }
  })
})

describe('npm', () => {
  const missing = missingCommands('npm')

  it('runs no script of a package where it installs for `npm run demo`, `npm test` or a workflow', () => {
    expect(read('scripts/ensure-installed.mjs')).toContain("'ci', '--ignore-scripts'")
    for (const workflow of ['check', 'release']) {
      const steps = read(`.github/workflows/${workflow}.yml`).match(/npm ci.*/g)
      expect(steps).toEqual(['npm ci --ignore-scripts'])
    }
  })

  itNeeds(missing)('lists everything that ships', () => {
    const list = npm('sbom', '--offline', '--package-lock-only', '--sbom-format=cyclonedx')
    const { components } = JSON.parse(list) as { components: Component[] }
    const listed = new Set(components.map(({ name, version }) => `${name}@${version}`))
    const ours = packages.filter(ships)
    expect(
      new Set(ours.map(({ name, folder, version }) => `${name ?? folder}@${version}`)),
    ).toEqual(new Set(shipped.keys()))
    for (const { folder, version } of ours) expect(listed).toContain(`${folder}@${version}`)
  })
})

interface Component {
  readonly name: string
  readonly version: string
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
