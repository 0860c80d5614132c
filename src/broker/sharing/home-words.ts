/** What is said of an app, and of a keeper, where it cannot be told whether it is the home. */
import type { Failure } from '../../core/ports.ts'
import type { Words } from '../../core/problem.ts'

const SHARE_STATUS = 'It goes on by itself; `evo-token share status` says how the database is.'

export function databaseFaultWords({ message }: Failure): Words {
  return { message, hint: SHARE_STATUS }
}

export const WATCHED: Words = {
  message: 'A database that has just been met is watched for two minutes first.',
  hint: SHARE_STATUS,
}

export const WAITS: Words = {
  message:
    'Another process may have used the sessions of this keeper a moment ago: what it asked for has to be over first.',
  hint: SHARE_STATUS,
}

export const HALTED: Words = {
  message: 'Another process runs under the id of this keeper: its state directory was copied.',
  hint: 'Stop one of the two; give the copy a state directory of its own.',
}

export const TWO_PRIMARIES: Words = {
  message: 'More than one database of "share.hosts" takes writes.',
  hint: 'Stop the one that is not the primary any more; `evo-token share status` names them.',
}

export const UNREACHED: Words = {
  message: 'The database cannot be reached, so it cannot be told which keeper is the home.',
  hint: 'Try again when it can; `evo-token share status` says how it is.',
}

export const BECAME_HOME: Words = {
  message: 'Another keeper became the home of the app meanwhile.',
  hint: UNREACHED.hint,
}

export function unreadableWords(app: string, why: 'unknown-key' | 'broken'): Words {
  return why === 'unknown-key'
    ? {
        message: 'The database has a newer copy, sealed with a vault key that is not here.',
        hint: 'Give every keeper the same vault key.',
      }
    : {
        message: 'The database has a newer copy, and that is damaged.',
        hint: `Delete it, and it is published again: DELETE FROM evo_token.app WHERE name = '${app}'.`,
      }
}

export function toFailure({ message }: Words): Failure {
  return { code: 'unavailable', message }
}
