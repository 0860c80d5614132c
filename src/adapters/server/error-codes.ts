/**
 * What the error codes of authorization servers mean: those of the RFCs, and those that servers
 * made up for the same thing.
 */

/** The errors after which no retry helps: a person has to sign in again. */
export const NEEDS_SIGN_IN: ReadonlySet<string> = new Set([
  'invalid_grant',
  // OpenID Connect Core §3.1.2.6, which some servers use at the token endpoint, too.
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
])

/** On the refresh grant alone: `expired_token`, for one, is also a word of the device flow. */
const SYNONYMS_OF_INVALID_GRANT: ReadonlySet<string> = new Set([
  // GitHub
  'bad_refresh_token',
  // Ory Hydra, Keycloak
  'token_inactive',
  'session_inactive',
  'session_not_active',
  // Supabase
  'refresh_token_not_found',
  'refresh_token_already_used',
  'session_expired',
  'session_not_found',
  // Slack, and others
  'expired_token',
  'invalid_refresh_token',
  'refresh_token_expired',
  'token_expired',
  'token_revoked',
])

/** For the same app with the same credentials. */
const SYNONYMS_OF_INVALID_CLIENT: ReadonlySet<string> = new Set([
  // GitHub
  'incorrect_client_credentials',
  // Slack
  'bad_client_secret',
  'invalid_client_id',
  'invalid_client_secret',
  // Keycloak, and others
  'invalid_client_credentials',
  'unknown_client',
])

/** The errors that a person mends at the registration or in the config; what each is about. */
const REFUSES_APP: ReadonlyMap<string, string> = new Map([
  ['invalid_client', 'does not accept the client id or the client secret'],
  ['unauthorized_client', 'does not allow this app this grant type'],
  ['unsupported_grant_type', 'does not know this grant type'],
  ['invalid_scope', 'does not grant these scopes to this app'],
  ['invalid_request', 'does not understand the request'],
  ['invalid_target', 'does not issue tokens for the resource that it has in mind'],
])

/** These pass by themselves, whatever status they come with. */
const PASSES: ReadonlySet<string> = new Set([
  'authorization_pending',
  'internal_error',
  'rate_limited',
  'ratelimited',
  'server_error',
  'service_unavailable',
  'slow_down',
  'temporarily_unavailable',
  'too_many_requests',
])

/** Whether the server says that it may well answer otherwise next time. */
export function mayPass(code: string | undefined): boolean {
  return code !== undefined && PASSES.has(code)
}

/** The standard code that `code` stands for; `code` itself where it is none that we know. */
export function standardCode(code: string, { isRefresh }: { readonly isRefresh: boolean }): string {
  if (isRefresh && SYNONYMS_OF_INVALID_GRANT.has(code)) return 'invalid_grant'
  return SYNONYMS_OF_INVALID_CLIENT.has(code) ? 'invalid_client' : code
}

/** What the server complains of, for people; undefined where the code is not about the app. */
export function complaintOf(code: string): string | undefined {
  return REFUSES_APP.get(code)
}
