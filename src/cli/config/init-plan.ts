/** What `init` does, without asking and without writing: answers in, the config's text and the next commands out. */
import { faultLines } from '../../adapters/config/config-file.ts'
import { platform } from '../../platform/current.ts'
import { type Config, parseConfig, type TokenFile } from '../../config.ts'
import { addFile, putApp } from '../../config/edit.ts'
import { evoMcpFile } from '../../config/evo-mcp.ts'
import { type ConfigFault, showPath } from '../../config/faults.ts'
import { APP_NAME } from '../../config/names.ts'
import { NAME } from '../../core/names.ts'
import { needsClientSecret } from '../../core/app.ts'
import { SidecarError } from '../../errors.ts'
import { SCHEMA_FILE } from './init-schema.ts'

/** The app that is added, as the config will have it. */
export interface NewApp {
  readonly type: string
  readonly clientId: string
  readonly issuer?: string | undefined
  readonly redirectUris?: readonly string[] | undefined
  readonly scopes: readonly string[]
  readonly reissue?: string | undefined
}

export interface Answers {
  readonly name: string
  readonly app: NewApp
  /** The checkout of evo-mcp that gets the token, as an absolute path. */
  readonly evoMcp?: string | undefined
  /** Undefined: as the config says, or `auto`. */
  readonly vaultKey?: string | undefined
}

/** Where the app goes. */
export interface Target {
  readonly path: string
  /** What stands there now; undefined where there is no config yet. */
  readonly before: string | undefined
  /** Whether an app of that name may be replaced. */
  readonly force: boolean
  /** Whether `serve` finds the config only when it is told. */
  readonly named: boolean
}

export interface Plan {
  readonly text: string
  readonly warnings: readonly ConfigFault[]
  readonly nextCommands: readonly string[]
}

/** @throws {SidecarError} `config` where the result would be no config, or something would be lost. */
export function planInit({ name, app, vaultKey, evoMcp }: Answers, target: Target): Plan {
  const { path, before } = target
  const current = readTarget(target, name)
  if (current && vaultKey !== undefined && vaultKey !== current.vaultKey) {
    throw new SidecarError('config', `--vault-key: ${path} says "${current.vaultKey}".`, {
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
  const text = evoMcp === undefined ? withApp : withEvoMcp(withApp, evoMcpFile(name, evoMcp))
  const result = parseConfig(text)
  if (result.kind === 'bad') {
    throw new SidecarError('config', optionFaults(name, result.faults), {
      hint: 'Correct the options; nothing was written.',
    })
  }
  return {
    text,
    warnings: result.warnings.filter((warning) => settingOf(name, warning.path) !== undefined),
    nextCommands: nextCommands(name, result.config, target),
  }
}

/**
 * The names of the apps that are there, and where the vault key is; undefined without a config.
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

/** Why `app` could not have what it has for `setting`; true where it could. */
export function judge(setting: keyof NewApp, app: NewApp): string | true {
  const blank = setting === 'clientId' ? clientIdFault(app) : undefined
  if (blank !== undefined) return `It ${withForm(setting, blank)}.`
  const result = parseConfig(JSON.stringify({ apps: { app } }))
  if (result.kind === 'ok') return true
  const found = result.faults.find(({ path }) => settingOf('app', path) === setting)
  return found ? `It ${withForm(setting, found.message)}.` : true
}

/**
 * What was pasted often has blanks around it; and characters that do not show, such as a soft hyphen or
 * a mark of the direction of writing, anywhere in it. (U+2800 is a blank of Braille.)
 */
export function withoutBlanks(text: string): string {
  return text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/^[\s\p{Cc}\u2800]+|[\s\p{Cc}\u2800]+$/gu, '')
}

/** RFC 6749 allows these in it; a registration has none, and what was pasted too far or twice has some. */
function clientIdFault({ clientId }: NewApp): string | undefined {
  return /[\s"'`<>]/.test(clientId)
    ? 'must be the client id of the registration, which has no blanks and no quotation marks in it'
    : undefined
}

export function words(text: string): string[] {
  return withoutBlanks(text).split(/\s+/).filter(Boolean)
}

const FORMS: Readonly<Record<string, string>> = {
  clientId: 'such as native-AbC123, as the Developer Portal shows it',
  redirectUris: 'such as http://localhost:3000/signin-callback',
  issuer: 'such as https://ims.bentley.com',
}

/** A message that says what a value has to be, with one that would do. */
function withForm(setting: string | undefined, message: string): string {
  const form = FORMS[setting ?? '']
  return form === undefined ? message : `${message}; ${form}`
}

export function judgeName(name: string, names: readonly string[], force: boolean): string | true {
  if (!NAME.test(name)) return `It ${APP_NAME}.`
  return names.includes(name) && !force ? 'There is an app of that name; choose another.' : true
}

/** A file that is there already stays as it is. */
function withEvoMcp(text: string, file: TokenFile): string {
  const result = parseConfig(text)
  const isThere = result.kind === 'ok' && result.config.files.some(({ path }) => path === file.path)
  return isThere ? text : addFile(text, file)
}

function newConfig(name: string, app: NewApp, vaultKey: string | undefined): string {
  const vault = vaultKey === undefined ? {} : { vault: { key: vaultKey } }
  // A computed key makes an own property of any name.
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

const OPTIONS: Readonly<Record<string, string>> = {
  clientId: '--client-id',
  issuer: '--issuer',
  redirectUris: '--redirect-uri',
  scopes: '--scope',
  reissue: '--reissue',
}

/** The faults of the new app, named by the options that they came from. */
function optionFaults(name: string, faults: readonly ConfigFault[]): string {
  return faults
    .map(({ path, message }) => {
      const isName = path === showPath(['apps', name])
      const setting = settingOf(name, path)
      return `${isName ? '--name' : (OPTIONS[setting ?? ''] ?? path)}: ${withForm(setting, message)}`
    })
    .join('\n')
}

/** The setting in a path: `scopes` in `apps.NAME.scopes[2]`. */
function settingOf(name: string, path: string): string | undefined {
  const app = `${showPath(['apps', name])}.`
  return path.startsWith(app) ? path.slice(app.length).split(/[.[]/)[0] : undefined
}
