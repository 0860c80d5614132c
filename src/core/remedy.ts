/** What a person can do about what is wrong with an app. */
import { type App, needsClientSecret } from './app.ts'
import { ERROR_CODES } from './error-codes.ts'
import { secretCommand, secretWords } from './client-secret.ts'
import type { ProblemCase } from './problem-cases.ts'

const CORRECT_APP =
  'Correct the app in the config, or its registration (for Evo: in the Developer Portal), then `evo-token reload`.'

export function remedyFor(app: App, problem: ProblemCase): string {
  switch (problem) {
    case 'signed_out':
    case 'invalid_grant':
    case 'interaction_required':
    case 'login_required':
    case 'account_selection_required':
    case 'consent_required':
    case 'refresh_refused':
    case 'answer_lost':
    case 'scope_changed':
      return `Sign in: ${loginCommand(app)}.`
    case 'token_refused':
      return `Get another one: ${refreshCommand(app)}${app.type === 'service' ? '' : `, or sign in again: ${loginCommand(app)}`}.`
    case 'session_expires':
      return `Sign in again when it suits you: ${loginCommand(app)}.`
    case 'token_ended':
    case 'not_renewable':
    case 'last_token_refused':
      return `Sign in: ${loginCommand(app)}.${offlineAccess(app)}`
    case 'record_damaged':
      return needsClientSecret(app)
        ? `Store its ${secretWords(app)} again (\`${secretCommand(app)}\`), then sign in: ${loginCommand(app)}.`
        : `Sign in: ${loginCommand(app)}.`
    case 'service_signed_out':
      return `Get a token again: ${refreshCommand(app)}.`
    case 'secret_forgotten':
    case 'client_secret_missing':
    case 'private_key_missing':
      return `Store its ${secretWords(app)}: \`${secretCommand(app)}\`.`
    case 'invalid_client':
      return needsClientSecret(app)
        ? `Store its ${secretWords(app)} again: \`${secretCommand(app)}\`. If it is right, correct "clientId" in the config, then \`evo-token reload\`.`
        : `Correct "clientId" in the config, or register the app as "${app.type}", then \`evo-token reload\`.`
    case 'invalid_scope':
      return `${adviseScopes(app)} Then \`evo-token reload\`.`
    case 'unauthorized_client':
      return `${adviseRegistration(app)}${orSignIn(app)}`
    case 'unsupported_grant_type':
      return adviseRegistration(app)
    case 'no_endpoint':
    case 'no_metadata':
      return 'Correct "issuer" in the config, or name the endpoints there, then `evo-token reload`.'
    case 'no_bearer_token':
      return 'Have the authorization server issue bearer tokens to the app, then `evo-token reload`.'
    case 'invalid_request':
      return `${CORRECT_APP}${orSignIn(app)}`
    case 'invalid_target':
    case 'app_refused':
      return CORRECT_APP
    case 'unavailable':
      return `It is tried again by itself; \`evo-token status ${app.name}\` says when. If that goes on, look at the network.`
    case 'renewing':
      return 'Ask again in a second.'
    case 'vault_locked':
    case 'record_unread':
      return 'It is tried again by itself; `evo-token status` says why.'
    case 'vault_unwritable':
    case 'not_stored':
      return 'Make room on the disk of the state directory, or correct its permissions; it goes on by itself.'
    case 'record_newer':
      return ERROR_CODES.record_newer.hint
    case 'not_confirmed':
      return 'It is tried again by itself; `evo-token share status` says how the database is.'
    case 'still_shared':
      return 'Put "share" back into the config and restart the daemon; or, if no other host is to use the session any more, `evo-token share leave`.'
    case 'copy_missing':
      return app.type === 'service'
        ? `See at a keeper why it has none: \`evo-token status ${app.name}\`.`
        : `Sign in at a keeper: ${loginCommand(app)}.`
    case 'copy_ended':
      return 'Check the keeper that is its home (`evo-token share status`); if that is stopped for good, `evo-token share take-over NAME` at another one.'
    case 'signed_out_elsewhere':
      return `Sign in at a keeper: ${loginCommand(app)}.`
    case 'secret_forgotten_elsewhere':
      return `Store its ${secretWords(app)} at the keeper that is its home: \`${secretCommand(app)}\`.`
    case 'service_signed_out_elsewhere':
      return `Get a token again at the keeper that is its home: ${refreshCommand(app)}.`
    case 'reader_key_missing':
      return `Make one at a keeper, \`evo-token share reader-key --app ${app.name} --out FILE\`, and add it to "share.readerKeys".`
    case 'file_unwritable':
      return '`evo-token status` has the reason.'
  }
}

function loginCommand({ name }: App): string {
  return `\`evo-token login ${name}\``
}

function refreshCommand({ name }: App): string {
  return `\`evo-token refresh ${name}\``
}

function adviseRegistration({ type }: App): string {
  return `Check that the app is registered as "${type}", and its client id; then \`evo-token reload\`.`
}

/** Some servers answer with the same code when the sign-in has ended. */
function orSignIn(app: App): string {
  return app.type === 'service'
    ? ''
    : ` If that is right, the sign-in may have ended: ${loginCommand(app)}.`
}

/** Why the session has no refresh token, where the config is the reason. */
function offlineAccess({ type, scopes: asked }: App): string {
  return type === 'spa' || asked.includes('offline_access')
    ? ''
    : ' With "offline_access" among its scopes in the config it would be renewed by itself.'
}

function adviseScopes(app: App): string {
  return app.type === 'spa' && app.scopes.includes('offline_access')
    ? 'An SPA may not be allowed offline_access: take it out of "scopes" in the config, and sign in whenever the token ends; or register a native app, which may have it.'
    : 'Compare "scopes" in the config with those of the registration; Evo scopes need an app that was registered in the Seequent Developer Portal.'
}

/** What a person can do when a sign-in was refused with `code`; undefined where that is not known. */
export function signInRemedy(app: App, code: string): string | undefined {
  switch (code) {
    case 'access_denied':
      return 'Either you declined, or your account may not use this app.'
    case 'invalid_grant':
      return 'The answer of the server was used before, or too late: sign in again.'
    case 'unauthorized_client':
      return adviseRegistration(app)
    case 'invalid_client':
    case 'invalid_scope':
      return remedyFor(app, code)
    default:
      return undefined
  }
}
