/** The status of an app as the daemon tells it, and what a person should do about it. */
import { failureOf } from './client-failures.ts'

export interface AppStatus {
  readonly app: string
  readonly type: string
  readonly session: string
  readonly freshness: string
  readonly expires_at: string | null
  readonly refresh_at: string | null
  readonly refreshed_at: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly scope: string | null
  readonly fingerprint: string | null
  readonly last_error: {
    readonly error: string
    readonly message: string
    readonly at: string
  } | null
  /** Who is signed in; the owner alone is told. */
  readonly subject?: string | null
}

/** @throws {SidecarError} `not_running` where it is no status. */
export function toStatus(value: unknown): AppStatus {
  if (typeof value === 'object' && value !== null && 'app' in value && 'session' in value) {
    return value as AppStatus
  }
  throw failureOf('it tells no status', 'this address') as Error
}

/** What to do, as a sentence; undefined where nothing needs to be done. */
export function adviceFor({ app, type, session, last_error: failure }: AppStatus) {
  const error = failure?.error
  if (error === 'vault_unwritable') return 'Make room on the disk of the state directory.'
  if (error === 'vault_locked') return 'Unlock the keychain.'
  switch (session) {
    case 'signed-out':
      return `Sign in: \`evo-token login ${app}\`.`
    case 'misconfigured':
      if (error === 'client_secret_missing' || (error === 'invalid_client' && hasSecret(type))) {
        return `Store the client secret: \`evo-token secret ${app}\`.`
      }
      return 'Correct the app in the config or in the Developer Portal, then `evo-token reload`.'
    case 'retrying':
      return 'Nothing: it is tried again by itself. If that goes on, look at the network.'
    default:
      return undefined
  }
}

function hasSecret(type: string): boolean {
  return type === 'web' || type === 'service'
}
