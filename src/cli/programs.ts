/** Tells the copies of evo-token apart: this one, that of the daemon, and those in PATH (npm, pip, deb). */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { packageManifest, readPackageVersion } from '../adapters/process/package-version.ts'
import { commandPaths } from '../platform/chosen.ts'
import type { Env } from '../platform/for-clients.ts'
import { parseJsonObject } from '../core/json-object.ts'

export interface InstalledProgram {
  readonly version: string
  /** The directory of its package; its file where it is in none. */
  readonly place: string
}

const UNKNOWN_VERSION = 'an unknown version'
const PACKAGE_NAME = 'evo-token-sidecar'
/** Time limit for `--version`, which is run where no package tells the version. */
const ANSWER_WITHIN_MS = 3_000

/**
 * A sentence that the daemon is of another version than this program; undefined where it is not, or does not say.
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

/** A sentence that PATH has several copies of evo-token; undefined where it has not. */
export async function severalInPath(env: Env): Promise<string | undefined> {
  const found = await programsInPath(env)
  if (found.length < 2) return undefined
  const [first, ...others] = found.map(inPlace)
  return `Your PATH has ${found.length} copies of evo-token: ${first}, which is the one that runs; and ${others.join('; ')}. Remove those that you do not want.`
}

function inPlace({ version, place }: InstalledProgram): string {
  return place === '' ? version : `${version} in ${place}`
}

/** In the order of PATH; each once, however many links lead to it. */
async function programsInPath(env: Env): Promise<readonly InstalledProgram[]> {
  const paths = await Promise.all(commandPaths('evo-token', env).map(executableAt))
  const found = new Map<string, InstalledProgram>()
  for (const path of new Set(paths)) {
    if (path === undefined) continue
    const program = await identifyProgram(path)
    if (!found.has(program.place)) found.set(program.place, program)
  }
  return [...found.values()]
}

/** The real path; undefined where no program is there, such as for a directory of that name. */
async function executableAt(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile() ? await realpath(path) : undefined
  } catch {
    return undefined
  }
}

async function identifyProgram(path: string): Promise<InstalledProgram> {
  for (
    let directory = dirname(await behindScript(path));
    directory !== dirname(directory);
    directory = dirname(directory)
  ) {
    const manifest = await readFile(join(directory, 'package.json'), 'utf8').catch(() => undefined)
    if (manifest === undefined) continue
    const { name, version } = parseJsonObject(manifest) ?? {}
    // A manifest without a name only tells Node the type of the modules beside it.
    if (name === undefined) continue
    if (name === PACKAGE_NAME && typeof version === 'string') return { version, place: directory }
    break
  }
  const asked = await promisify(execFile)(path, ['--version'], {
    timeout: ANSWER_WITHIN_MS,
    // It may be any program, also one that ignores SIGTERM.
    killSignal: 'SIGKILL',
  }).catch(() => undefined)
  return {
    version: /^\d+\.\d+\.\S+$/m.exec(asked?.stdout ?? '')?.[0] ?? UNKNOWN_VERSION,
    place: path,
  }
}

/** Scripts that npm writes on Windows name the program relative to their own directory. */
async function behindScript(path: string): Promise<string> {
  if (!/\.(?:cmd|ps1)$/i.test(path)) return path
  const text = await readFile(path, 'utf8').catch(() => '')
  const [, program] = /"(?:%dp0%|\$basedir)[\\/]([^"]+\.js)"/.exec(text) ?? []
  return program === undefined ? path : join(dirname(path), program)
}
