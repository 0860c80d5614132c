/** The config as the daemon uses it, and how it is made of the settings once they are known to be right. */
import type { App } from '../core/app.ts'
import type { KeyChoice } from '../core/vault-key-source.ts'
import { OFFLINE_ACCESS } from './evo.ts'
import { toRefreshPolicy } from './refresh-settings.ts'
import type { AppSettings, LogLevel, Settings } from './schema.ts'
import type { ShareSettings } from './share-settings.ts'
import { toPath } from './values.ts'

/** A file that is kept up to date with an app's access token. */
export type TokenFile = { readonly app: string; readonly path: string } & (
  { readonly format: 'raw' | 'json' } | { readonly format: 'dotenv'; readonly variable: string }
)

export interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  readonly vaultKey: KeyChoice
  readonly logLevel: LogLevel
  /** A PEM file to trust besides the system's certificate authorities. */
  readonly ca?: string
  readonly notify?: { readonly command: readonly string[]; readonly everyMs: number }
  /** Absent where no other host shares the sessions. */
  readonly share?: ShareSettings
  readonly files: readonly TokenFile[]
  readonly apps: readonly App[]
}

/** @param home where paths that begin with `~/` lead. */
export function toConfig(settings: Settings, home: string | undefined): Config {
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

/** Resolves the paths in the settings. */
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
      ...(app.scopes.includes(OFFLINE_ACCESS) && { prompt: 'consent' }),
      ...personal?.authorizationParameters,
    },
    ...(tokenParameters && { tokenParameters }),
    ...(accessTokenLifetime !== undefined && { accessTokenLifetimeMs: accessTokenLifetime }),
    refresh: toRefreshPolicy(refresh, app.refresh),
    ...(app.type === 'service' && app.reissue !== undefined && { reissue: app.reissue }),
  }
}

/** Adds to each app whether an app of another issuer has one of its redirect URIs. */
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
