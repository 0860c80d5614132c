/** An app, as the config describes it: one OAuth client registration that we hold. */
import type { UnknownMembers } from './token.ts'

export type AppType = 'native' | 'spa' | 'web' | 'service'

export type TokenEndpointAuthMethod =
  'client_secret_post' | 'client_secret_basic' | 'private_key_jwt' | 'none'

/** Endpoints named in the config, for servers that publish no metadata. */
export interface Endpoints {
  readonly authorization?: string
  readonly token?: string
  readonly revocation?: string
  readonly deviceAuthorization?: string
}

/** When to refresh, and how long to wait between retries; all in milliseconds. */
export interface RefreshPolicy {
  readonly aheadMs: number
  readonly retryMinMs: number
  readonly retryMaxMs: number
  /** The greatest age of a session at the server, where that is known. */
  readonly sessionAgeMs?: number
  /** The longest time between two grants: an unused refresh token dies at some servers. */
  readonly atLeastMs?: number
}

export interface App {
  readonly name: string
  readonly type: AppType
  readonly clientId: string
  readonly issuer: string
  readonly endpoints: Endpoints
  /** Absent where the config leaves it to what the server's metadata lists. */
  readonly tokenEndpointAuthMethod?: TokenEndpointAuthMethod
  readonly redirectUris: readonly string[]
  readonly scopes: readonly string[]
  readonly authorizationParameters: Readonly<Record<string, string>>
  /** Sent with each request to the token endpoint, besides our own parameters. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  /**
   * The lifetime of an access token where neither the response nor the token states one, in
   * milliseconds; null for tokens that do not expire.
   */
  readonly accessTokenLifetimeMs?: number | null
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

/** Whether the app has to show a client secret, or a private key, at the token endpoint. */
export function needsClientSecret(app: App): boolean {
  return (app.type === 'web' || app.type === 'service') && app.tokenEndpointAuthMethod !== 'none'
}

/** Whether the app has a private key in the place of a client secret (RFC 7523 §2.2). */
export function hasPrivateKey(app: App): boolean {
  return needsClientSecret(app) && app.tokenEndpointAuthMethod === 'private_key_jwt'
}
