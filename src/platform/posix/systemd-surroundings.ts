/**
 * Where a manager of systemd looks for units, and the environment that it gives to services. Those of a
 * user's manager may differ from what this shell has: it was started before the shell, by another program.
 */
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { ServiceScope } from '../service-manager.ts'
import { homeOf } from './locations.ts'
import { userId } from './ownership.ts'

export interface Surroundings {
  /** Where units that an administrator, or the user, writes are looked for. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/** For systemctl and journalctl. */
export function environmentFor({ system, env }: ServiceScope): NodeJS.ProcessEnv {
  const runtime = env.XDG_RUNTIME_DIR ?? `/run/user/${userId()}`
  return { ...env, ...(!system && { XDG_RUNTIME_DIR: runtime }), SYSTEMD_PAGER: '' }
}

/** Rejects where no manager answers. */
export async function readSurroundings(options: ServiceScope): Promise<Surroundings> {
  const { system } = options
  const scope = system ? [] : ['--user']
  const env = environmentFor(options)
  const ask = async (...args: readonly string[]) =>
    (await promisify(execFile)('systemctl', [...scope, ...args], { env })).stdout
  const paths = await ask('show', '--property=UnitPath', '--value')
  if (system) return { directory: '/etc/systemd/system', environment: {} }
  const directory = unitDirectoryIn(paths) ?? join(homeOf(env), '.config/systemd/user')
  return { directory, environment: parseEnvironment(await ask('show-environment')) }
}

/** Beside that of `systemctl --user edit`, which comes first (systemd.unit(5), "Unit File Load Path"). */
export function unitDirectoryIn(paths: string): string | undefined {
  const control = paths.split(/\s+/).find((path) => /^(?!\/run\/).*\/user\.control$/.test(path))
  return control === undefined ? undefined : join(dirname(control), 'user')
}

/** Lines of `systemctl show-environment`: a value of unusual characters is quoted as `$'…'`, and left out. */
export function parseEnvironment(text: string): Record<string, string> {
  const found = text.matchAll(/^(\w+)=((?!\$').*)$/gm)
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]))
}
