/** Plans `init` without asking or writing: turns the answers into the text of the config and the next commands. */
import { faultLines } from '../../adapters/config/config-file.ts'
import { locations } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import { parseConfig } from '../../config.ts'
import type { Config, TokenFile } from '../../config/config.ts'
import { addFile, putApp } from '../../config/edit.ts'
import { evoMcpFile } from '../../config/evo-mcp.ts'
import { type ConfigFault, toFault } from '../../config/faults.ts'
import { needsClientSecret } from '../../core/app.ts'
import { SidecarError } from '../../errors.ts'
import {
  clientIdFault,
  type NewApp,
  optionFaults,
  settingInPath,
  withForm,
} from './init-answers.ts'
import { SCHEMA_FILE } from './init-schema.ts'

export interface InitAnswers {
  readonly name: string
  readonly app: NewApp
  /** The checkout of evo-mcp that gets the token, as an absolute path. */
  readonly evoMcp?: string | undefined
  /** Undefined: the config's own choice, or `auto`. */
  readonly vaultKey?: string | undefined
}

/** Where the app goes. */
export interface Target {
  readonly path: string
  /** The config's present text; undefined where there is none yet. */
  readonly before: string | undefined
  /** Whether an app of that name may be replaced. */
  readonly force: boolean
  /** Whether `serve` needs `--config` to find it. */
  readonly named: boolean
}

export interface Plan {
  readonly text: string
  readonly warnings: readonly ConfigFault[]
  readonly nextCommands: readonly string[]
}

/** @throws {SidecarError} `config` where the result would be no valid config, or would replace something unasked. */
export function planInit({ name, app, vaultKey, evoMcp }: InitAnswers, target: Target): Plan {
  const { path, before } = target
  const current = readTarget(target, name)
  if (current && vaultKey !== undefined && vaultKey !== current.vaultKey) {
    throw new SidecarError('config', `--vault-key: ${path} says "${current.vaultKey}" already.`, {
      hint: 'Leave the option out; `evo-token vault move-key` moves the key of a vault.',
    })
  }
  const blank = clientIdFault(app)
  if (blank !== undefined) {
    throw new SidecarError('config', `--client-id: ${withForm('clientId', blank)}`, {
      hint: 'Correct the options; nothing was written.',
    })
  }
  const withApp = before === undefined ? newConfig(name, app, vaultKey) : putApp(before, name, app)
  const { text, warnings } =
    evoMcp === undefined
      ? { text: withApp, warnings: [] }
      : withEvoMcp(withApp, evoMcpFile(name, evoMcp))
  const result = parseConfig(text)
  if (result.kind === 'bad') {
    throw new SidecarError('config', optionFaults(name, result.faults), {
      hint: 'Correct the options; nothing was written.',
    })
  }
  return {
    text,
    warnings: [
      ...result.warnings.filter((warning) => settingInPath(name, warning.path) !== undefined),
      ...warnings,
    ],
    nextCommands: nextCommands(name, result.config, target),
  }
}

/**
 * The names of the apps in the config, and its `vault.key`; undefined where there is no config.
 *
 * @throws {SidecarError} `config` where `name` would replace an app unasked, or the config is bad.
 */
export function readTarget({ path, before, force }: Target, name: string | undefined) {
  if (before === undefined) return undefined
  const result = parseConfig(before)
  if (result.kind === 'bad') {
    throw new SidecarError('config', faultLines(path, result.faults), {
      hint: 'Correct the config that is there first, or name another with --config.',
    })
  }
  const names = result.config.apps.map((app) => app.name)
  if (name !== undefined && names.includes(name) && !force) {
    throw new SidecarError('config', `--name: ${path} has an app "${name}" already.`, {
      hint: 'Choose another name, or replace that app with --force.',
    })
  }
  return { names, vaultKey: result.config.vaultKey }
}

/** Keeps an entry for the same file; a warning says so where it has the token of another app. */
function withEvoMcp(text: string, file: TokenFile): Pick<Plan, 'text' | 'warnings'> {
  const result = parseConfig(text)
  const files = result.kind === 'ok' ? result.config.files : []
  const own = locations.pathKey(file.path)
  const at = files.findIndex(({ path }) => locations.pathKey(path) === own)
  const there = files[at]
  if (!there) return { text: addFile(text, file), warnings: [] }
  const message = `evo-mcp has the token of "${there.app}" there, and keeps it; for that of "${file.app}" change "app"`
  return { text, warnings: there.app === file.app ? [] : [toFault(['files', at], message)] }
}

function newConfig(name: string, app: NewApp, vaultKey: string | undefined): string {
  const vault = vaultKey === undefined ? {} : { vault: { key: vaultKey } }
  // A computed key is an own property whatever the name, also for `__proto__`.
  return `${JSON.stringify({ $schema: SCHEMA_FILE, ...vault, apps: { [name]: app } }, null, 2)}\n`
}

function nextCommands(name: string, { apps }: Config, { path, named }: Target): string[] {
  const app = apps.find((each) => each.name === name)
  return [
    named ? `evo-token serve --config ${platform.quoted(path)}` : 'evo-token serve',
    ...(app && needsClientSecret(app) ? [`evo-token secret ${name}`] : []),
    ...(app?.type === 'service' ? [] : [`evo-token login ${name}`]),
    `evo-token get ${name}`,
  ]
}
