/**
 * Our own sentence for what went wrong with an app. On TCP it stands in place of the authorization
 * server's, whose text is beyond our control and may name people, tenants or addresses.
 */
import { requiredBy } from '../core/attention.ts'
import type { PastFailure } from '../core/ports.ts'
import type { AppStatus } from '../core/status.ts'

const SENTENCES: Readonly<Record<string, string>> = {
  // RFC 6749 §5.2, RFC 8628 §3.5 and OpenID Connect Core §3.1.2.6.
  invalid_grant: 'The authorization server has ended the session; a person must sign in again.',
  interaction_required: 'The authorization server wants a person to sign in again.',
  login_required: 'A person must sign in.',
  consent_required: 'The authorization server wants a person to give consent again.',
  access_denied: 'The sign-in was refused.',
  expired_token: 'The sign-in was not finished in time.',
  invalid_client: 'The authorization server does not accept the credentials of the app.',
  unauthorized_client: 'The authorization server does not let the app ask in this way.',
  unsupported_grant_type: 'The authorization server does not support what the app asks for.',
  invalid_scope: 'The authorization server refuses a scope that the app asks for.',
  invalid_request: 'The authorization server does not accept the request of the app.',
  server_error: 'The authorization server has a problem of its own.',
  temporarily_unavailable: 'The authorization server is not available at the moment.',
  invalid_target: 'The authorization server issues no tokens for the resource that it has in mind.',
  // Ours.
  unavailable: 'The authorization server gave no usable answer.',
  answer_lost: 'An answer of the authorization server was lost; a person must sign in again.',
  misconfigured: 'The authorization server refuses the app itself.',
  vault_locked: 'The vault is locked.',
  vault_unwritable: 'The vault cannot be written.',
  record_damaged:
    'The stored session could not be read and was set aside; a person must sign in again.',
  record_newer:
    'A newer evo-token wrote the stored session; that version has to be installed again.',
  invalid_response: 'The authorization server gave an answer that cannot be used.',
  client_secret_missing: 'No client secret is stored for the app.',
  private_key_missing: 'No private key is stored for the app.',
  no_bearer_token: 'The authorization server issues tokens of a type that is not served here.',
  no_endpoint: 'The config or the authorization server names no endpoint for what the app needs.',
  no_metadata: 'The authorization server publishes no metadata.',
  scope_changed:
    'The config asks for scopes that the last sign-in did not; a person must sign in again for them.',
}

/** What to call a code that is not in the table: a server may send any text as one. */
function codeOf({ session, type, isRefused }: AppStatus): string {
  if (isRefused) return requiredBy(type)
  switch (session) {
    case 'active':
    case 'retrying':
      return 'unavailable'
    case 'misconfigured':
      return 'misconfigured'
    case 'signed-out':
      return requiredBy(type)
  }
}

/** The last failure of an app in our code and our sentence. */
export function ourWords(status: AppStatus): PastFailure | null {
  const { lastError } = status
  if (!lastError) return null
  const error = Object.hasOwn(SENTENCES, lastError.error) ? lastError.error : codeOf(status)
  return { error, message: SENTENCES[error] ?? '', at: lastError.at }
}
