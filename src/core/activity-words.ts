/** What an entry of the activity says to a person. Used by the command line and by the page. */
import type { Activity, ActivityKind, Cause } from './activity.ts'

const ACTIVITY_KIND_WORDS: Readonly<Record<ActivityKind, string>> = {
  started: 'the daemon started',
  stopped: 'the daemon stopped',
  slept: 'the machine slept, or its clock was set forward',
  config_reloaded: 'the config was read again',
  app_added: 'added to the config',
  app_changed: 'changed in the config',
  app_removed: 'removed from the config',
  caller_added: 'caller added',
  caller_removed: 'caller removed',
  vault_key_moved: 'the key of the vault was moved',
  vault_key_rotated: 'the key of the vault was replaced',
  secret_stored: 'client secret stored',
  home_gained: 'this keeper became the home',
  home_given: 'given to another keeper',
  home_lost: 'another keeper became the home',
  page_opened: 'the page was opened',
  page_refused: 'the link of the page was opened a second time and refused',
  signed_in: 'signed in',
  sign_in_failed: 'sign-in failed',
  signed_out: 'signed out',
  session_ended: 'the session ended: sign in again',
  renewed: 'token renewed',
  renewal_failed: 'renewal failed',
  recovered: 'recovered',
}

const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  age: 'it was due',
  cron: 'by its schedule',
  retry: 'another attempt',
  lost_answer: 'the previous answer was lost',
  caller: 'a caller needed a longer life',
  report: 'a caller reported it as refused',
  owner: 'asked for',
}

type SentenceParts = Pick<Activity, 'cause' | 'durationMs' | 'error'> & { readonly kind: string }

/** One line, without time, app and caller. A kind of a later version is shown as it is. */
export function activitySentence({ kind, cause, durationMs, error }: SentenceParts): string {
  const what = Object.hasOwn(ACTIVITY_KIND_WORDS, kind)
    ? ACTIVITY_KIND_WORDS[kind as ActivityKind]
    : kind.replaceAll('_', ' ')
  const details = [
    error ?? undefined,
    cause === null ? undefined : CAUSE_WORDS[cause],
    durationMs === null ? undefined : lengthOf(durationMs),
  ].filter((one) => one !== undefined)
  return details.length > 0 ? `${what} (${details.join(', ')})` : what
}

/** A duration in words, in the unit that fits it. */
export function lengthOf(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  const seconds = ms / 1_000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}
