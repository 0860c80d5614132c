/**
 * Parses the config: returns either everything that the daemon needs, with defaults applied, or every fault at
 * once. `config/schema.ts` defines the settings; the rules between them are here.
 */
import type { z } from 'zod'
import { type Config, toConfig } from './config/config.ts'
import { scopeWarnings } from './config/evo.ts'
import { clientIdWarnings } from './config/client-ids.ts'
import { redirectWarnings } from './config/redirect-uris.ts'
import { conflictsIn } from './config/conflicts.ts'
import { type ConfigFault, toFault, toFaults } from './config/faults.ts'
import { findHiddenFaults } from './config/hidden-faults.ts'
import { parseConfigJson } from './config/json-text.ts'
import { APP_NAME } from './config/names.ts'
import { configSchema, type Settings } from './config/schema.ts'
import { findSecrets } from './config/secrets.ts'
import { membersOf } from './core/json-object.ts'

export type ConfigResult =
  | { readonly kind: 'ok'; readonly config: Config; readonly warnings: readonly ConfigFault[] }
  | { readonly kind: 'bad'; readonly faults: readonly ConfigFault[] }

/** @param home what `~/` stands for in paths; by default the user's home directory. */
export function parseConfig(text: string, home?: string): ConfigResult {
  const json = parseConfigJson(text)
  if (json.kind === 'bad') {
    const path = `line ${json.line}, column ${json.column}`
    return { kind: 'bad', faults: [{ path, message: `not JSON: expected ${json.expected}` }] }
  }
  const { value } = json
  const known = [
    ...json.unsafe.map((path) => toFault(path, path[0] === 'apps' ? APP_NAME : 'is not a setting')),
    ...findSecrets(value).map(({ path, message }) => toFault(path, message)),
  ]
  const settings = configSchema.safeParse(value)
  const faults = [
    ...json.repeated.map((path) => toFault(path, 'is there twice: remove one of them')),
    ...firstOfEachPath([
      ...known,
      ...(settings.success ? [] : toFaults(settings.error, value)),
      ...(settings.success ? [] : findHiddenFaults(value)),
      ...filesOfUnknownApps(value),
      ...conflictsOf(
        settings.success ? settings.data : settingsWithout(settings.error, value),
        home,
      ),
    ]),
  ]
  if (!settings.success || faults.length > 0) return { kind: 'bad', faults }
  const config = toConfig(settings.data, home)
  return { kind: 'ok', config, warnings: warningsOn(config) }
}

/** The first fault of each setting, which is the most precise one. */
function firstOfEachPath(faults: readonly ConfigFault[]): ConfigFault[] {
  const seen = new Set<string>()
  return faults.filter(({ path }) => seen.size < seen.add(path).size)
}

/** Checks the raw value, so that this is reported together with every other fault. */
function filesOfUnknownApps(value: unknown): ConfigFault[] {
  const { files, ...others } = membersOf(value)
  if (!Array.isArray(files)) return []
  const apps = membersOf(others.apps)
  return files.flatMap((file: unknown, index) => {
    const { app } = membersOf(file)
    return typeof app !== 'string' || Object.hasOwn(apps, app)
      ? []
      : [toFault(['files', index, 'app'], 'must be the name of an app that "apps" has')]
  })
}

/** The config without the settings that are wrong, so that the rules between the others are checked too. */
function settingsWithout({ issues }: z.ZodError, value: unknown): Settings | undefined {
  const apps = { ...membersOf(membersOf(value).apps) }
  const whole: Record<string, unknown> = { ...membersOf(value), apps }
  for (const { path, ...issue } of issues) {
    const [section, name] = path
    const unknown = issue.code === 'unrecognized_keys' && path.length === 0 ? issue.keys : []
    for (const key of unknown) Reflect.deleteProperty(whole, key)
    if (section === 'apps' && name !== undefined) Reflect.deleteProperty(apps, name)
    else if (section !== undefined) Reflect.deleteProperty(whole, section)
  }
  return configSchema.safeParse(whole).data
}

function conflictsOf(settings: Settings | undefined, home: string | undefined): ConfigFault[] {
  return settings ? conflictsIn(settings, toConfig(settings, home)) : []
}

function warningsOn({ apps, listen }: Config): ConfigFault[] {
  return apps.length === 0
    ? [toFault(['apps'], 'no app is configured; "evo-token init" adds one')]
    : apps.flatMap((app) => [
        ...clientIdWarnings(app),
        ...scopeWarnings(app),
        ...redirectWarnings(app, listen.port),
      ])
}
