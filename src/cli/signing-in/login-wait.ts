/** Waits for the end of a sign-in, and tells the person meanwhile what may be wrong. */
import type { Client } from '../../client/connection.ts'
import { EvoTokenError, failureOf } from '../../client/failures.ts'
import { HTTPS_TRIED, NO_VISIT_AFTER_MS, REMINDER_AFTER_MS } from './login-words.ts'
import type { SignInJson } from './sign-in-json.ts'

/** The daemon holds a request for the end of a sign-in for 25 s at most. */
const POLL_TIMEOUT_MS = 40_000

/** How often the daemon is asked whether a browser has come. */
const BROWSER_POLL_MS = 2_000

/** What is said while the sign-in is pending; each once. */
export interface Hints {
  readonly say: (text: string) => void
  /** For a one-time link that no browser has opened; absent where no browser was sent to it. */
  readonly noVisit?: string
  readonly stillWaiting: string
}

/** @throws {EvoTokenError} */
export async function waitForEnd(client: Client, path: string, hints?: Hints): Promise<SignInJson> {
  const stopHints = hints ? startHints(client, path, hints) : () => undefined
  try {
    for (;;) {
      const answer = await client.ask({ path, timeoutMs: POLL_TIMEOUT_MS })
      const signIn = answer as unknown as SignInJson
      if (signIn.status === 'succeeded' || signIn.status === 'failed') return signIn
      // Widened: a daemon of a later version may have more statuses.
      if ((signIn.status as unknown) !== 'pending') throw notASignIn()
    }
  } finally {
    stopHints()
  }
}

function startHints(client: Client, path: string, { say, noVisit, stillWaiting }: Hints) {
  // `noVisit` waits for the next look: the browser may have come since the last one.
  let visitIsDue = false
  let httpsTried = false
  const look = async () => {
    try {
      const seen = (await client.ask({ path: `${path}?wait=0` })) as unknown as SignInJson
      if (visitIsDue && noVisit !== undefined && seen.visited === false) say(noVisit)
      visitIsDue = false
      if (seen.https_tried !== true || httpsTried) return
      httpsTried = true
      say(HTTPS_TRIED)
    } catch (error) {
      // The request that waits for the end reports what is wrong with the daemon.
      if (!(error instanceof EvoTokenError)) throw error
    }
  }
  const looks = setInterval(() => void look(), BROWSER_POLL_MS)
  const timers = [
    setTimeout(() => {
      visitIsDue = true
    }, NO_VISIT_AFTER_MS),
    setTimeout(() => {
      say(stillWaiting)
    }, REMINDER_AFTER_MS),
  ]
  return () => {
    clearInterval(looks)
    for (const timer of timers) clearTimeout(timer)
  }
}

export function notASignIn(): Error {
  return failureOf('its answer describes no sign-in', 'the owner socket')
}
