/**
 * Everything that can be wrong with an app: what it is called, and what is said of it. A new case is
 * a row here, and what to do about it a line in `remedy.ts`.
 *
 * Callers see the first form. The owner also sees who is signed in and what the authorization server
 * said: those words are beyond our control, and may name people, tenants or addresses.
 */
import { asEnd, type CaseRow, toEndedRow, ownWords, quoteWords, toRefusedRow } from './case-row.ts'

export const CASES = {
  signed_out: {
    code: 'login_required',
    callers: ({ app }) => `"${app}" is not signed in.`,
  },
  token_ended: {
    code: 'login_required',
    callers: ({ app }) =>
      `The token of "${app}" has expired, and there is no refresh token for it.`,
  },
  not_renewable: {
    code: 'login_required',
    callers: ({ app }) => `"${app}" cannot get another token: there is no refresh token for it.`,
  },
  // RFC 6749 §5.2 and OpenID Connect Core §3.1.2.6, at the token endpoint.
  invalid_grant: toEndedRow('has ended the sign-in to'),
  interaction_required: toEndedRow('wants a person to sign in again to'),
  login_required: toEndedRow('wants a person to sign in again to'),
  account_selection_required: toEndedRow('wants a person to choose an account again for'),
  consent_required: toEndedRow('wants a person to give consent again to'),
  refresh_refused: {
    code: 'login_required',
    callers: ({ app }) =>
      `The authorization server refuses to renew the sign-in to "${app}", each time in the same way.`,
    owner: ({ app, details }) =>
      `The authorization server refuses to renew the sign-in to "${app}", each time in the same way${quoteWords(details)}.`,
  },
  answer_lost: {
    code: 'login_required',
    callers: ({ app }) =>
      `An answer of the authorization server with the new refresh token of "${app}" was lost, and the old one is refused.`,
    owner: ({ app, details }) => `The sign-in to "${app}" has ended. ${asEnd(details ?? '')}`,
  },
  record_damaged: {
    code: 'login_required',
    callers: ({ app }) =>
      `The stored session of "${app}" could not be read; it was set aside, not deleted.`,
  },
  secret_forgotten: {
    code: 'misconfigured',
    callers: ({ app }) => `"${app}" was signed out, and its client secret forgotten.`,
  },
  service_signed_out: {
    code: 'misconfigured',
    callers: ({ app }) => `"${app}" was signed out.`,
  },
  client_secret_missing: {
    code: 'misconfigured',
    callers: ({ app }) => `No client secret is stored for "${app}".`,
    owner: ownWords,
  },
  private_key_missing: {
    code: 'misconfigured',
    callers: ({ app }) => `No private key is stored for "${app}".`,
    owner: ownWords,
  },
  invalid_client: toRefusedRow('does not accept its client id or its credentials'),
  unauthorized_client: toRefusedRow('does not allow it to use this grant'),
  unsupported_grant_type: toRefusedRow('does not support this grant'),
  invalid_scope: toRefusedRow('refuses a scope that it asks for'),
  invalid_request: toRefusedRow('does not understand its request'),
  invalid_target: toRefusedRow('issues no tokens for the resource that it asks for'),
  no_bearer_token: toRefusedRow('issues tokens of a type that is not served here'),
  no_endpoint: {
    code: 'misconfigured',
    callers: ({ app }) =>
      `Neither the config nor the authorization server names an endpoint that "${app}" needs.`,
    owner: ownWords,
  },
  no_metadata: {
    code: 'misconfigured',
    callers: ({ app }) => `The authorization server of "${app}" publishes no metadata.`,
    owner: ownWords,
  },
  app_refused: toRefusedRow('refuses it'),
  unavailable: {
    code: 'unavailable',
    callers: ({ app }) => `The last attempt to get a token for "${app}" failed.`,
    owner: ({ app, details }) =>
      `The last attempt to get a token for "${app}" failed${details === undefined ? '.' : `: ${asEnd(details)}`}`,
  },
  renewing: {
    code: 'unavailable',
    callers: ({ app }) => `A token for "${app}" has been requested.`,
  },
  vault_locked: {
    code: 'vault_locked',
    callers: () => 'The vault is locked.',
    owner: ({ details }) => details ?? 'The vault is locked.',
  },
  record_unread: {
    code: 'unavailable',
    reason: 'record_unread',
    callers: ({ app }) => `The record of "${app}" cannot be read now.`,
    owner: ({ app, details }) => details ?? `The record of "${app}" cannot be read now.`,
  },
  vault_unwritable: {
    code: 'unavailable',
    reason: 'vault_unwritable',
    callers: ({ app }) =>
      `The vault cannot be written, so no refresh token of "${app}" is spent now.`,
    owner: ({ app, details }) =>
      `The vault cannot be written, so no refresh token of "${app}" is spent now${details === undefined ? '.' : `: ${asEnd(details)}`}`,
  },
  not_stored: {
    code: 'unavailable',
    reason: 'vault_unwritable',
    callers: ({ app }) =>
      `The newest token of "${app}" is in memory only: the vault cannot be written.`,
    owner: ({ app, details }) =>
      `The newest token of "${app}" is in memory only, and a restart would end its session: ${asEnd(details ?? '')}`,
  },
  record_newer: {
    code: 'record_newer',
    callers: ({ app }) => `A newer evo-token wrote the record of "${app}".`,
  },
  not_confirmed: {
    code: 'unavailable',
    reason: 'not_confirmed',
    callers: ({ app }) =>
      `It cannot be told now whether this daemon is the home of "${app}", so it is not renewed here.`,
    owner: ({ app, details }) =>
      `It cannot be told now whether this keeper is the home of "${app}", so it is not renewed here${details === undefined ? '.' : `: ${asEnd(details)}`}`,
  },
  still_shared: {
    code: 'unavailable',
    reason: 'still_shared',
    callers: ({ app }) =>
      `"${app}" was shared with other hosts, and the config does not say so any more.`,
  },
  copy_missing: {
    code: 'unavailable',
    reason: 'copy_missing',
    callers: ({ app }) => `No keeper has published a token of "${app}".`,
  },
  copy_ended: {
    code: 'unavailable',
    reason: 'copy_ended',
    callers: ({ app }) => `The home of "${app}" has published no newer token.`,
    owner: ({ app, details }) =>
      `The home of "${app}"${details === undefined ? '' : `, ${details},`} has published no newer token.`,
  },
  signed_out_elsewhere: {
    code: 'login_required',
    callers: ({ app }) => `"${app}" is not signed in.`,
    owner: ({ app, details }) =>
      `"${app}" is not signed in${details === undefined ? '' : `; its home is ${details}`}.`,
  },
  secret_forgotten_elsewhere: {
    code: 'misconfigured',
    callers: ({ app }) => `"${app}" was signed out, and its client secret forgotten.`,
    owner: ({ app, details }) =>
      `"${app}" was signed out, and its client secret forgotten${details === undefined ? '' : `; its home is ${details}`}.`,
  },
  service_signed_out_elsewhere: {
    code: 'misconfigured',
    callers: ({ app }) => `"${app}" was signed out.`,
    owner: ({ app, details }) =>
      `"${app}" was signed out${details === undefined ? '' : `; its home is ${details}`}.`,
  },
  reader_key_missing: {
    code: 'unavailable',
    reason: 'reader_key_missing',
    callers: ({ app }) => `This daemon has no key for the token of "${app}".`,
  },
  token_refused: {
    code: 'token_refused',
    callers: ({ app }) => `An API has refused the token of "${app}", which does not expire.`,
  },
  last_token_refused: {
    code: 'token_refused',
    callers: ({ app }) =>
      `An API has refused the token of "${app}", and there is no refresh token for another one.`,
  },
  scope_changed: {
    code: 'scope_changed',
    callers: ({ app }) =>
      `The config asks for scopes that the sign-in to "${app}" did not ask for.`,
    owner: ({ app, details }) =>
      `The config asks for scopes that the sign-in to "${app}" did not ask for: ${details ?? ''}.`,
  },
  session_expires: {
    code: 'session_expires',
    callers: ({ app }) => `The sign-in to "${app}" ends soon.`,
    owner: ({ app, details }) => `The sign-in to "${app}" ends on ${details ?? ''}.`,
  },
  file_unwritable: {
    code: 'file_unwritable',
    callers: ({ app }) => `A token file of "${app}" cannot be written.`,
    owner: ({ details }) => details ?? '',
  },
} as const satisfies Record<string, CaseRow>

export type ProblemCase = keyof typeof CASES

/** Why the record of an app has not been read yet. */
export type NotRestoredCase = Extract<ProblemCase, 'vault_locked' | 'record_unread'>

/** What can be wrong with an app whose home is elsewhere. */
export type CopyCase = Extract<
  ProblemCase,
  | 'copy_missing'
  | 'copy_ended'
  | 'signed_out_elsewhere'
  | 'secret_forgotten_elsewhere'
  | 'service_signed_out_elsewhere'
  | 'reader_key_missing'
>

/** The case that is called `name`, which comes from a server or a record; undefined where there is none. */
export function caseNamed(name: string): ProblemCase | undefined {
  return Object.hasOwn(CASES, name) ? (name as ProblemCase) : undefined
}
