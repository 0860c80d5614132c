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
  // GitHub, HubSpot
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
  'refresh_token_invalid',
  'refresh_token_revoked',
  // Zoho
  'invalid_code',
])

/** On the refresh grant alone: what is missing is a person. Auth0; Unmet Authentication Requirements 1.0. */
const SYNONYMS_OF_INTERACTION_REQUIRED: ReadonlySet<string> = new Set([
  'mfa_required',
  'unmet_authentication_requirements',
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
  // HubSpot
  'bad_client_id',
  // Google
  'deleted_client',
  'disabled_client',
])

/** The errors that a person corrects at the registration or in the config, and what the server does with each. */
const REFUSES_APP: ReadonlyMap<string, string> = new Map([
  ['invalid_client', 'does not accept the client id or the client secret'],
  ['unauthorized_client', 'does not allow this app this grant type'],
  ['unsupported_grant_type', 'does not know this grant type'],
  ['invalid_scope', 'does not grant these scopes to this app'],
  ['invalid_request', 'does not understand the request'],
  ['invalid_target', 'does not issue tokens for the resource that it asks for'],
])

/** These pass by themselves, whatever status they come with. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'authorization_pending',
  'internal_error',
  'internal_server_error',
  'over_request_rate_limit',
  'quota_exceeded',
  'rate_limit_exceeded',
  'rate_limited',
  'ratelimited',
  'resource_exhausted',
  'server_busy',
  'server_error',
  'service_unavailable',
  'slow_down',
  'temporarily_unavailable',
  'too_many_requests',
  'too_many_requests_exception',
  'try_again_later',
])

/** Codes for a mistake of the app, which some servers also use for a refresh token that has ended. */
const MAY_MEAN_TOKEN: ReadonlySet<string> = new Set(['unauthorized_client', 'invalid_request'])

const TOKEN_HAS_ENDED =
  /token.*\b(?:expired|inactive|invalid|malformed|not found|not valid|revoked|unknown|used)\b|\b(?:expired|inactive|invalid|malformed|revoked|unknown|used)\b.*token/is

/** Words about the credentials of the app; it may be a token that stands for those. */
const ABOUT_CREDENTIALS = /client|secret|credential|assertion/i

/**
 * Whether a refusal of a refresh is about the refresh token, by its code (Spring Security) or by its
 * words alone: Atlassian (`unauthorized_client`), Authlib, Webex, Zoom (`invalid_request`), Okta, Twitch.
 * That is no proof: the token is kept, and a person hears of it once the server says so again and again.
 *
 * @param code the standard one; undefined where the server names none.
 */
export function meansToken(code: string | undefined, words = ''): boolean {
  // RFC 6750 has it for access tokens: the only token that a refresh shows is the refresh token.
  if (code === 'invalid_token') return true
  const isRefused = code !== undefined && (NEEDS_SIGN_IN.has(code) || REFUSES_APP.has(code))
  if (isRefused ? !MAY_MEAN_TOKEN.has(code) : isAboutCredentials(words)) return false
  return TOKEN_HAS_ENDED.test(words) && !/grant[\s_-]?type/i.test(words)
}

function isAboutCredentials(words: string): boolean {
  return ABOUT_CREDENTIALS.test(words) && !/refresh[\s_-]?token/i.test(words)
}

/** Whether the code says that the server may well answer otherwise next time. */
export function isPassing(code = ''): boolean {
  return PASSING_CODES.has(usualForm(code)) || /throttl/i.test(code)
}

/** As `isPassing`, by the words: some servers say it with any code, even `invalid_grant`. */
export function soundsPassing(words = ''): boolean {
  return SOUNDS_PASSING.test(words)
}

/** Zoho, Amazon; Entra (AADSTS50196); Salesforce; Ory Hydra, where an earlier request is still at work. */
const SOUNDS_PASSING =
  /\btoo many (?:requests|attempts)\b|\brate (?:limit|exceeded)|\bthrottl|\brequest loop\b|\bretry your request\b|\btry again (?:later|in \d)|\bconcurrent requests\b/i

/** Whether it is acted on what the code says. */
export function isKnownCode(code: string, grant: { readonly isRefresh: boolean }): boolean {
  const standard = standardCode(code, grant)
  return NEEDS_SIGN_IN.has(standard) || REFUSES_APP.has(standard) || isPassing(code)
}

/** The standard code that `code` stands for; `code` itself where it is none that we know. */
export function standardCode(code: string, { isRefresh }: { readonly isRefresh: boolean }): string {
  const usual = usualForm(code)
  if (isRefresh && SYNONYMS_OF_INVALID_GRANT.has(usual)) return 'invalid_grant'
  if (isRefresh && SYNONYMS_OF_INTERACTION_REQUIRED.has(usual)) return 'interaction_required'
  if (SYNONYMS_OF_INVALID_CLIENT.has(usual)) return 'invalid_client'
  return [NEEDS_SIGN_IN, REFUSES_APP, PASSING_CODES].some((known) => known.has(usual))
    ? usual
    : code
}

/**
 * As the RFCs write codes. Servers have them in capitals, too, with hyphens, as one word
 * (`invalidGrant`), and behind a name of their own (`urn:ietf:params:oauth:error:invalid_grant`).
 */
export function usualForm(code: string): string {
  return code
    .replace(/^.*[/#:.]/s, '')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll('-', '_')
}

/** What the server does, for people; undefined where the code is not about the app. */
export function complaintOf(code: string): string | undefined {
  return REFUSES_APP.get(code)
}
