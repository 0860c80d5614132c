/** An app, as the config describes it: one OAuth client registration that we hold. */
import type { UnknownMembers } from './token.ts'

export type AppType = 'native' | 'spa' | 'web' | 'service'

export type TokenEndpointAuthMethod = 'client_secret_post' | 'client_secret_basic' | 'none'

/** Endpoints named in the config, for servers that publish no metadata. */
export interface Endpoints {
  readonly authorization?: string
  readonly token?: string
  readonly revocation?: string
  readonly deviceAuthorization?: string
}

/** How eagerly to refresh and how patiently to retry; all in milliseconds. */
export interface RefreshPolicy {
  readonly aheadMs: number
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** How old a session may grow at the server, where that is known. */
  readonly sessionAgeMs?: number
}

export interface App {
  readonly name: string
  readonly type: AppType
  readonly clientId: string
  readonly issuer: string
  readonly endpoints: Endpoints
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod
  readonly redirectUris: readonly string[]
  readonly scopes: readonly string[]
  readonly authorizationParameters: Readonly<Record<string, string>>
  readonly refresh: RefreshPolicy
  /** Cron, 5 or 6 fields; service apps only. */
  readonly reissue?: string
  /**
   * Another app, of another issuer, has a redirect URI of this one: then the authorization
   * response must say who sent it (RFC 9207).
   */
  readonly sharesRedirectUri: boolean
}

/** What a stored record is bound to: a record of another identity is never sent anywhere. */
export interface Identity extends UnknownMembers {
  readonly issuer: string
  /** As configured; null where it is discovered from the issuer. */
  readonly tokenEndpoint: string | null
  readonly clientId: string
  readonly type: AppType
}

export function identityOf(app: App): Identity {
  return {
    issuer: app.issuer,
    tokenEndpoint: app.endpoints.token ?? null,
    clientId: app.clientId,
    type: app.type,
  }
}

/** Whether the app has to show a client secret at the token endpoint. */
export function needsClientSecret(app: App): boolean {
  return (app.type === 'web' || app.type === 'service') && app.tokenEndpointAuthMethod !== 'none'
}
