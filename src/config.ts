/**
 * The config: text in, either everything that the daemon needs with its defaults applied, or every
 * fault at once. `config/schema.ts` defines the settings; here are the rules between them.
 */
import type { z } from 'zod'
import { REFRESHABLE, scopeWarnings } from './config/evo.ts'
import { redirectWarnings } from './config/redirect-uris.ts'
import { conflictsIn } from './config/conflicts.ts'
import { type ConfigFault, fault, toFaults } from './config/faults.ts'
import { hiddenFaults } from './config/hidden-faults.ts'
import { readJson } from './config/json-text.ts'
import { APP_NAME } from './config/names.ts'
import { toRefreshPolicy } from './config/refresh-settings.ts'
import {
  type AppSettings,
  configSchema,
  type LogLevel,
  type Settings,
  type VaultKeySource,
} from './config/schema.ts'
import type { ShareSettings } from './config/share-settings.ts'
import { findSecrets } from './config/secrets.ts'
import { toPath } from './config/values.ts'
import type { App } from './core/app.ts'

/** A file that is kept up to date with an app's access token. */
export type TokenFile = { readonly app: string; readonly path: string } & (
  { readonly format: 'raw' | 'json' } | { readonly format: 'dotenv'; readonly variable: string }
)

export interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  readonly vaultKey: VaultKeySource
  readonly logLevel: LogLevel
  /** A PEM file to trust besides the system's certificate authorities. */
  readonly ca?: string
  readonly notify?: { readonly command: readonly string[]; readonly everyMs: number }
  /** Absent where no other host shares the sessions. */
  readonly share?: ShareSettings
  readonly files: readonly TokenFile[]
  readonly apps: readonly App[]
}

export type ConfigResult =
  | { readonly kind: 'ok'; readonly config: Config; readonly warnings: readonly ConfigFault[] }
  | { readonly kind: 'bad'; readonly faults: readonly ConfigFault[] }

/** @param home where paths that begin with `~/` lead; the user's home directory unless it is given. */
export function parseConfig(text: string, home?: string): ConfigResult {
  const json = readJson(text)
  if (json.kind === 'bad') {
    const path = `line ${json.line}, column ${json.column}`
    return { kind: 'bad', faults: [{ path, message: `not JSON: expected ${json.expected}` }] }
  }
  const { value } = json
  const known = [
    ...json.unsafe.map((path) => fault(path, path[0] === 'apps' ? APP_NAME : 'is no setting')),
    ...findSecrets(value).map(({ path, message }) => fault(path, message)),
  ]
  const settings = configSchema.safeParse(value)
  const faults = [
    ...json.repeated.map((path) => fault(path, 'stands here twice: take one of them out')),
    ...firstOfEachPath([
      ...known,
      ...(settings.success ? [] : toFaults(settings.error, value)),
      ...(settings.success ? [] : hiddenFaults(value)),
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

/** The first fault of each setting, which says the most. */
function firstOfEachPath(faults: readonly ConfigFault[]): ConfigFault[] {
  const seen = new Set<string>()
  return faults.filter(({ path }) => seen.size < seen.add(path).size)
}

function toConfig(settings: Settings, home: string | undefined): Config {
  const { listen, vault, log, ca, notify, share, files } = settings
  const apps = Object.entries(settings.apps).map(([name, app]) => toApp(name, app, settings))
  return {
    listen,
    vaultKey: vault.key,
    logLevel: log.level,
    ...(ca !== undefined && { ca: toPath(ca, home) }),
    ...(notify && { notify: { command: notify.command, everyMs: notify.every } }),
    ...(share && { share: withPaths(share, home) }),
    files: files.map((file) => ({ ...file, path: toPath(file.path, home) })),
    apps: withSharing(apps),
  }
}

/** The settings with the paths of the files that they name. */
function withPaths(share: ShareSettings, home: string | undefined): ShareSettings {
  const { passwordFile, ca, certificateFile, certificateKeyFile } = share
  const common = {
    ...(passwordFile !== undefined && { passwordFile: toPath(passwordFile, home) }),
    ...(ca !== undefined && { ca: toPath(ca, home) }),
    ...(certificateFile !== undefined && { certificateFile: toPath(certificateFile, home) }),
    ...(certificateKeyFile !== undefined && {
      certificateKeyFile: toPath(certificateKeyFile, home),
    }),
  }
  return share.role === 'reader'
    ? {
        ...share,
        ...common,
        ...(share.readerKeys !== undefined && { readerKeys: toPath(share.readerKeys, home) }),
      }
    : { ...share, ...common }
}

function toApp(
  name: string,
  app: AppSettings,
  { issuer, refresh }: Settings,
): Omit<App, 'sharesRedirectUri'> {
  const personal = app.type === 'service' ? undefined : app
  const { tokenEndpointAuthMethod, tokenParameters, accessTokenLifetime } = app
  return {
    name,
    type: app.type,
    clientId: app.clientId,
    issuer: app.issuer ?? issuer,
    endpoints: {
      ...(app.authorizationEndpoint && { authorization: app.authorizationEndpoint }),
      ...(app.tokenEndpoint && { token: app.tokenEndpoint }),
      ...(app.revocationEndpoint && { revocation: app.revocationEndpoint }),
      ...(app.deviceAuthorizationEndpoint && {
        deviceAuthorization: app.deviceAuthorizationEndpoint,
      }),
    },
    ...(tokenEndpointAuthMethod && { tokenEndpointAuthMethod }),
    redirectUris: personal?.redirectUris ?? [],
    scopes: app.scopes,
    authorizationParameters: {
      // Without it some servers grant no refresh token (OIDC Core §11 asks for it).
      ...(app.scopes.includes(REFRESHABLE) && { prompt: 'consent' }),
      ...personal?.authorizationParameters,
    },
    ...(tokenParameters && { tokenParameters }),
    ...(accessTokenLifetime !== undefined && { accessTokenLifetimeMs: accessTokenLifetime }),
    refresh: toRefreshPolicy(refresh, app.refresh),
    ...(app.type === 'service' && app.reissue !== undefined && { reissue: app.reissue }),
  }
}

/** Each app, with whether one of another issuer has a redirect URI of its own. */
function withSharing(apps: readonly Omit<App, 'sharesRedirectUri'>[]): App[] {
  const issuers = new Map<string, Set<string>>()
  const uris = apps.map(({ redirectUris }) => redirectUris.map((uri) => new URL(uri).href))
  for (const [index, { issuer }] of apps.entries()) {
    for (const uri of uris[index] ?? []) {
      issuers.set(uri, (issuers.get(uri) ?? new Set()).add(issuer))
    }
  }
  return apps.map((app, index) => ({
    ...app,
    sharesRedirectUri: (uris[index] ?? []).some((uri) => (issuers.get(uri)?.size ?? 0) > 1),
  }))
}

/** Checked on the raw value, so that it is reported along with every other fault. */
function filesOfUnknownApps(value: unknown): ConfigFault[] {
  const { files, apps } = record(value)
  if (!Array.isArray(files)) return []
  return files.flatMap((file: unknown, index) => {
    const { app } = record(file)
    return typeof app !== 'string' || Object.hasOwn(record(apps), app)
      ? []
      : [fault(['files', index, 'app'], 'must be the name of an app that "apps" has')]
  })
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** What is left of the config without what is wrong in it, so that the rest is judged too. */
function settingsWithout({ issues }: z.ZodError, value: unknown): Settings | undefined {
  const apps = { ...record(record(value).apps) }
  const whole: Record<string, unknown> = { ...record(value), apps }
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
    ? [fault(['apps'], 'no app is configured; "evo-token init" adds one')]
    : apps.flatMap((app) => [...scopeWarnings(app), ...redirectWarnings(app, listen.port)])
}
