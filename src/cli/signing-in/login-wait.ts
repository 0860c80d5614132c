/** Waits for the end of a sign-in in the daemon, and tells a person meanwhile what may be wrong. */
import type { Client } from '../../client/connection.ts'
import { EvoTokenError, failureOf } from '../../client/failures.ts'
import { HTTPS_TRIED, NO_VISIT_AFTER_MS, REMINDER_AFTER_MS } from './login-words.ts'
import type { SignInJson } from './sign-in-json.ts'

/** The daemon answers a question about a sign-in after 25 s at most. */
const POLL_PATIENCE_MS = 40_000

/** How often the daemon is asked what it knows of the browser. */
const LOOK_EVERY_MS = 2_000

/** What is said while nothing comes back; each once. */
export interface Hints {
  readonly say: (text: string) => void
  /** Where no browser has opened the one-time link; absent where no browser was sent to it. */
  readonly noVisit?: string
  readonly stillWaiting: string
}

/** @throws {EvoTokenError} */
export async function waitForEnd(client: Client, path: string, hints?: Hints): Promise<SignInJson> {
  const stopHints = hints ? startHints(client, path, hints) : () => undefined
  try {
    for (;;) {
      const answer = await client.ask({ path, timeoutMs: POLL_PATIENCE_MS })
      const signIn = answer as unknown as SignInJson
      if (signIn.status === 'succeeded' || signIn.status === 'failed') return signIn
      // Widened: a daemon of another version may have other statuses.
      if ((signIn.status as unknown) !== 'pending') throw notASignIn()
    }
  } finally {
    stopHints()
  }
}

function startHints(client: Client, path: string, { say, noVisit, stillWaiting }: Hints) {
  let visited = false
  let httpsTried = false
  const look = async () => {
    try {
      const seen = (await client.ask({ path: `${path}?wait=0` })) as unknown as SignInJson
      visited ||= seen.visited === true
      if (seen.https_tried !== true || httpsTried) return
      httpsTried = true
      say(HTTPS_TRIED)
    } catch (error) {
      // What is wrong with the daemon, the question about the end tells.
      if (!(error instanceof EvoTokenError)) throw error
    }
  }
  const looks = setInterval(() => void look(), LOOK_EVERY_MS)
  const timers = [
    setTimeout(() => {
      if (noVisit !== undefined && !visited) say(noVisit)
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
