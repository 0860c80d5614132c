/** What a person should do about the status of an app. */
import { secretMends } from '../core/attention.ts'
import type { AppStatus } from '../client/app-status.ts'

/** What to do, as a sentence; undefined where nothing needs to be done. */
export function adviceFor(status: AppStatus): string | undefined {
  const { app, type, session, last_error: failure } = status
  const error = failure?.error
  if (error === 'vault_unwritable') return 'Make room on the disk of the state directory.'
  if (error === 'vault_locked') return 'What the problem says; it is tried again by itself.'
  if (error === 'record_newer') return 'Install the newer evo-token again that wrote the record.'
  if (error === 'private_key_missing') {
    return `Store the private key: \`evo-token secret ${app} --private-key FILE\`.`
  }
  if (secretMends({ type, session, error })) {
    return `Store the client secret: \`evo-token secret ${app}\`.`
  }
  switch (session) {
    case 'signed-out':
      return `Sign in: \`evo-token login ${app}\`.`
    case 'misconfigured':
      return 'Correct the app in the config or in the Developer Portal, then `evo-token reload`.'
    case 'retrying':
      return 'Nothing: it is tried again by itself. If that goes on, look at the network.'
    default:
      if (status.freshness === 'stale' && status.expires_at === null) {
        const orElse = type === 'service' ? '' : `, or sign in again: \`evo-token login ${app}\``
        return `An API refused the token. Get another one: \`evo-token refresh ${app}\`${orElse}.`
      }
      return status.session_expires_soon
        ? `Sign in again before the session ends: \`evo-token login ${app}\`.`
        : undefined
  }
}
