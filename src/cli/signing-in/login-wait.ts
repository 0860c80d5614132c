/** Waits for the end of a sign-in in the daemon, and tells a person meanwhile what may be wrong. */
import type { Client } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import { HTTPS_TRIED, NO_VISIT_AFTER_MS, REMINDER_AFTER_MS } from './login-words.ts'
import type { SignInJson } from './sign-in-json.ts'

/** The daemon answers a question about a sign-in after 25 s at most. */
const POLL_PATIENCE_MS = 40_000

/** What is said while nothing comes back; each once. */
export interface Hints {
  readonly say: (text: string) => void
  /** Where no browser has opened the one-time link; absent where no browser was sent to it. */
  readonly noVisit?: string
  readonly stillWaiting: string
}

/** @throws {EvoTokenError} */
export async function waitForEnd(client: Client, path: string, hints?: Hints): Promise<SignInJson> {
  let visited = false
  let httpsTried = false
  const timers = hints ? startHints(hints, () => visited) : []
  try {
    for (;;) {
      const answer = await client.ask({ path, timeoutMs: POLL_PATIENCE_MS })
      const signIn = answer as unknown as SignInJson
      if (signIn.status === 'succeeded' || signIn.status === 'failed') return signIn
      // Widened: a daemon of another version may have other statuses.
      if ((signIn.status as unknown) !== 'pending') throw notASignIn()
      visited ||= signIn.visited === true
      if (signIn.https_tried === true && !httpsTried) {
        httpsTried = true
        hints?.say(HTTPS_TRIED)
      }
    }
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}

function startHints({ say, noVisit, stillWaiting }: Hints, isVisited: () => boolean) {
  return [
    setTimeout(() => {
      if (noVisit !== undefined && !isVisited()) say(noVisit)
    }, NO_VISIT_AFTER_MS),
    setTimeout(() => {
      say(stillWaiting)
    }, REMINDER_AFTER_MS),
  ]
}

export function notASignIn(): Error {
  return failureOf('its answer describes no sign-in', 'the owner socket')
}
