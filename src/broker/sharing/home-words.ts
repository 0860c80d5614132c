/** The words for an app, and for a keeper, where this keeper is not certain to be the home. */
import type { Failure } from '../../core/ports.ts'
import type { Words } from '../../core/case-row.ts'
import type { AppKey } from '../../core/sharing/shared-store.ts'
import { SidecarError } from '../../errors.ts'

const SHARE_STATUS = 'Wait, or repair the database; `evo-token share status` shows its state.'

export function databaseFaultWords({ message }: Failure): Words {
  return { message, hint: SHARE_STATUS }
}

export const WATCHED_WORDS: Words = {
  message:
    'The database is new to this keeper: it is watched for two minutes before it is believed.',
  hint: SHARE_STATUS,
}

export const WAITING_FOR_REQUESTS: Words = {
  message:
    'Another process may have used the sessions of this keeper a moment ago: what it asked for has to be over first.',
  hint: SHARE_STATUS,
}

export const COPIED_KEEPER: Words = {
  message: 'Another process runs under the id of this keeper: its state directory was copied.',
  hint: 'Stop one of the two; give the copy a state directory of its own.',
}

export const SHARING_STOPPED: Words = {
  message: 'This daemon has stopped sharing, so it cannot become the home of a shared app.',
  hint: 'To share again, restart it with "share" in the config.',
}

export const TWO_PRIMARIES: Words = {
  message: 'More than one database of "share.hosts" takes writes.',
  hint: 'Stop the one that is not the primary any more; `evo-token share status` names them.',
}

export const DATABASE_UNREACHED: Words = {
  message: 'The database cannot be reached, so it cannot be told which keeper is the home.',
  hint: 'Try again when it can; `evo-token share status` says how it is.',
}

export const BECAME_HOME: Words = {
  message: 'Another keeper became the home of the app meanwhile.',
  hint: 'Try again in a minute; `evo-token share status` shows the home of each app.',
}

export function unreadableWords(
  { app, identityDigest }: AppKey,
  why: 'unknown-key' | 'broken',
): Words {
  return why === 'unknown-key'
    ? {
        message: 'The database has a newer copy, sealed with a vault key that is not here.',
        hint: 'Give every keeper the same vault key.',
      }
    : {
        message: 'The database has a newer copy, and that is damaged.',
        hint: `Delete it, and it is published again: DELETE FROM evo_token.app WHERE name = '${app}' AND identity_digest = '${identityDigest}'.`,
      }
}

export function toNotSharedError(app: string): SidecarError {
  return new SidecarError('invalid_request', `"${app}" is not shared yet.`, {
    hint: 'It is once it is signed in, and its home has published it.',
  })
}

/** `share leave`, where the disk refuses. */
export function toNotLeftError(app: string): SidecarError {
  return new SidecarError(
    'unavailable',
    `The end of the sharing of "${app}" could not be stored.`,
    {
      hint: 'It is shared as before. Make room on the disk of the state directory, or correct its permissions; then run `evo-token share leave` again.',
    },
  )
}

export function toFailure({ message }: Words): Failure {
  return { code: 'unavailable', message }
}
