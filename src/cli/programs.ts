/** Tells the copies of evo-token apart: this one, that of the daemon, and those in PATH (npm, pip, deb). */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, readFile, realpath, stat } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { packageManifest, readPackageVersion } from '../adapters/process/package-version.ts'
import type { Env } from '../platform/platform.ts'

export interface Program {
  readonly version: string
  /** Its directory, or its file where no package is around it. */
  readonly place: string
}

const UNKNOWN = 'an unknown version'
const PACKAGE = 'evo-token-sidecar'
/** For a program of which nothing else tells the version. */
const ANSWER_WITHIN_MS = 3_000

/**
 * That the daemon is another version than this program; undefined where it is not, or does not say.
 *
 * @param answer of `GET /v1/apps`.
 */
export function otherVersion(answer: Readonly<Record<string, unknown>>): string | undefined {
  const { version, program } = answer
  const own = { version: readPackageVersion(), place: dirname(packageManifest()) }
  if (typeof version !== 'string' || version === own.version) return undefined
  const daemon = { version, place: typeof program === 'string' ? program : '' }
  return `The daemon is evo-token ${inPlace(daemon)}, and this is ${inPlace(own)}. Restart the daemon with the one that you want: \`evo-token service install\` does it for a service.`
}

/** That there are several in PATH; undefined where there are not. */
export async function severalInPath(env: Env): Promise<string | undefined> {
  const found = await programsInPath(env)
  if (found.length < 2) return undefined
  const [first, ...others] = found.map(inPlace)
  return `There are ${found.length} evo-token in your PATH: ${first}, which is run; and ${others.join('; ')}. Remove those that you do not want.`
}

function inPlace({ version, place }: Program): string {
  return place === '' ? version : `${version} in ${place}`
}

/** Each once, though several links lead to it, in the order of PATH. */
async function programsInPath({ PATH = '' }: Env): Promise<readonly Program[]> {
  const directories = PATH.split(delimiter).filter((directory) => isAbsolute(directory))
  const paths = await Promise.all(
    directories.map((directory) => executableAt(join(directory, 'evo-token'))),
  )
  const found = new Map<string, Program>()
  for (const path of new Set(paths)) {
    if (path === undefined) continue
    const program = await identify(path)
    if (!found.has(program.place)) found.set(program.place, program)
  }
  return [...found.values()]
}

/** The real path; undefined where no program is there: a shell passes over a directory of that name. */
async function executableAt(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile() ? await realpath(path) : undefined
  } catch {
    return undefined
  }
}

async function identify(path: string): Promise<Program> {
  for (
    let directory = dirname(path);
    directory !== dirname(directory);
    directory = dirname(directory)
  ) {
    const manifest = await readFile(join(directory, 'package.json'), 'utf8').catch(() => undefined)
    if (manifest === undefined) continue
    const { name, version } = partsOf(manifest)
    // One without a name only says how Node reads the files beside it.
    if (name === undefined) continue
    if (name === PACKAGE && typeof version === 'string') return { version, place: directory }
    break
  }
  const asked = await promisify(execFile)(path, ['--version'], { timeout: ANSWER_WITHIN_MS }).catch(
    () => undefined,
  )
  return { version: /^\d+\.\d+\.\S+$/m.exec(asked?.stdout ?? '')?.[0] ?? UNKNOWN, place: path }
}

function partsOf(manifest: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    return JSON.parse(manifest) as { name?: unknown; version?: unknown }
  } catch {
    return {}
  }
}
