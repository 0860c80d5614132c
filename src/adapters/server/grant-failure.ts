/**
 * Sorts what came of a token request that brought no usable tokens. The one place that decides
 * what costs a session: only what the server itself says for good, never what the way to it does.
 */
import { ClientError } from 'openid-client'
import type { Failure, GrantOutcome } from '../../core/ports.ts'
import { type Answer, isPage } from './issuer-answer.ts'
import { describeFault } from './issuer-fault.ts'
import { errorCode, readableWords } from './server-words.ts'
import type { Facts } from './token-exchange.ts'
import { refreshTokenIn } from './token-response.ts'

/** The errors after which no retry can help: a person has to sign in again. */
const NEEDS_SIGN_IN: readonly string[] = ['invalid_grant', 'interaction_required', 'login_required']

/** The errors that somebody mends at the registration or in the config; what each is about. */
const REFUSES_APP: ReadonlyMap<string, string> = new Map([
  ['invalid_client', 'does not accept the client id or the client secret'],
  ['unauthorized_client', 'does not allow this app this grant type'],
  ['unsupported_grant_type', 'does not know this grant type'],
  ['invalid_scope', 'does not grant these scopes to this app'],
  ['invalid_request', 'does not understand the request'],
  ['invalid_target', 'does not issue tokens for the resource that it has in mind'],
])

/** Refused before any work was done (RFC 9110 §15.6.4, RFC 6585 §4): nothing was spent. */
const TURNED_AWAY = new Set([408, 429, 503])

/** What can come of a request that brought no usable tokens. */
export type FailedOutcome = Exclude<GrantOutcome, { readonly kind: 'granted' }>

export interface Sought {
  /** What a successful answer should have held. */
  readonly wanted: string
  /** Error codes that end this kind of grant, besides the usual ones. */
  readonly final?: readonly string[]
}

/**
 * The outcome of a request that ended in `error`, which openid-client threw. What is no doing of
 * the server or of the network is thrown again.
 */
export function failedOutcome(
  error: unknown,
  facts: Facts,
  { wanted, final = [] }: Sought,
): FailedOutcome {
  const { answer, fault, prevented, sentTo = '' } = facts
  if (prevented) throw prevented.error
  if (fault) {
    const { message, maybeArrived } = describeFault(fault.error, sentTo)
    return unavailable({ error: 'unavailable', message }, maybeArrived)
  }
  if (!answer) throw error
  if (answer.status < 200 || answer.status > 299) return refused(answer, facts, final)
  const outcome = unusable(facts, `no ${wanted}`)
  // Even a mistake of ours must not cost the token that this answer brought.
  if (outcome.kind !== 'salvaged' && !(error instanceof ClientError)) throw error
  return outcome
}

/** The outcome of a successful answer that cannot be used: not without what it brought, though. */
export function unusable({ answer, sentTo = '' }: Facts, lacking: string): FailedOutcome {
  const { host } = new URL(sentTo)
  const refreshToken = refreshTokenIn(answer?.json)
  if (refreshToken) {
    const message = `${host} answered with a refresh token, but with ${lacking}.`
    return { kind: 'salvaged', refreshToken, failure: { error: 'invalid_response', message } }
  }
  if (answer?.json) {
    const message = `${host} answered with ${lacking}.`
    return unavailable({ error: 'invalid_response', message }, false)
  }
  if (answer && isPage(answer)) {
    // A captive portal, a proxy, a maintenance page: the request got no further.
    const message = `A web page came back instead of a token from ${host}: a captive portal, a proxy or a maintenance page stands in the way.`
    return unavailable({ error: 'unavailable', message }, false)
  }
  // Longer than we read, or cut in a way that HTTP does not show: it may have held our tokens.
  const message = `The answer of ${host} cannot be read.`
  return unavailable({ error: 'invalid_response', message }, true)
}

function refused(answer: Answer, facts: Facts, final: readonly string[]): FailedOutcome {
  const { status, json, challenged, retryAfterMs } = answer
  const host = new URL(facts.sentTo ?? '').host
  const stated = errorCode(json?.error)
  const words = readableWords(json?.error_description)
  // An error inside a 5xx or a 429 is about the server's state, whatever its code.
  const decided = status >= 400 && status < 500 && !TURNED_AWAY.has(status)
  const code = stated ?? (status === 401 && challenged ? 'invalid_client' : undefined)
  if (decided && code !== undefined) {
    if (NEEDS_SIGN_IN.includes(code) || final.includes(code)) {
      const message = words ?? `${host} answered ${code}.`
      return { kind: 'rejected', failure: { error: code, message } }
    }
    const complaint = REFUSES_APP.get(code)
    if (complaint !== undefined) {
      return {
        kind: 'misconfigured',
        failure: { error: code, message: say(host, complaint, words) },
      }
    }
  }
  const message = say(host, `answered with status ${status}`, words)
  return unavailable(
    { error: stated ?? 'unavailable', message },
    status >= 500 && !TURNED_AWAY.has(status),
    retryAfterMs,
  )
}

function say(host: string, complaint: string, words: string | undefined): string {
  return words === undefined ? `${host} ${complaint}.` : `${host} ${complaint}: ${words}`
}

function unavailable(failure: Failure, answerLost: boolean, retryAfterMs?: number): FailedOutcome {
  return {
    kind: 'unavailable',
    failure,
    answerLost,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}
