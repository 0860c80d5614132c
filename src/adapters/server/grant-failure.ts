/**
 * Sorts token requests that brought no usable tokens. The only place that decides what ends a
 * session: only what the server itself says for good, never what the network does.
 */
import { ClientError } from 'openid-client'
import type { Failure } from '../../core/ports.ts'
import type { GrantOutcome } from '../../core/authorization-server.ts'
import { complaintOf, mayPass, NEEDS_SIGN_IN, standardCode } from './error-codes.ts'
import type { ExchangeFacts } from './http-exchange.ts'
import { type Answer, isPage } from './issuer-answer.ts'
import { describeFault } from './issuer-fault.ts'
import { redirectInWords } from './redirect-words.ts'
import { errorCode, readableWords } from './server-words.ts'
import { refreshTokenIn } from './token-response.ts'

/** Refused before any work was done (RFC 9110 §15.6.4, RFC 6585 §4, RFC 8470 §5.2): nothing was spent. */
const TURNED_AWAY = new Set([408, 425, 429, 503])

/** The endpoint is no longer at this address, or redirects to another one. */
const MOVED = new Set([301, 302, 303, 307, 308, 404, 405, 410])

/** What can come of a request that brought no usable tokens. */
export type FailedOutcome = Exclude<GrantOutcome, { readonly kind: 'granted' }>

export interface Request {
  /** What a successful answer should have held. */
  readonly wanted: string
  /** Error codes that end this kind of grant, besides the usual ones. */
  readonly final?: readonly string[]
  readonly isRefresh?: boolean
  /** Whether the app showed a client secret. */
  readonly hasSecret?: boolean
}

/**
 * The outcome of a request that ended in `error`, which openid-client threw. What is no doing of
 * the server or of the network is thrown again.
 */
export function toFailedOutcome(
  error: unknown,
  facts: ExchangeFacts,
  request: Request,
): FailedOutcome {
  const { answer, fault, withheld, sent, url = '' } = facts
  if (withheld) return toUnavailable(withheld, false)
  if (fault) {
    const { message, maybeArrived } = describeFault(fault.error, url)
    return toUnavailable({ code: 'unavailable', message }, sent && maybeArrived)
  }
  if (!answer) throw error
  if (answer.status < 200 || answer.status > 299 || isError(answer)) {
    return judgeRefusal(answer, facts, request)
  }
  const outcome = judgeUnusable(facts, `no ${request.wanted}`)
  // Even a mistake of ours must not cost the token that this answer brought.
  if (outcome.kind !== 'salvaged' && !(error instanceof ClientError)) throw error
  return outcome
}

/** The outcome of a successful answer that cannot be used: not without what it brought, though. */
export function judgeUnusable({ answer, url = '' }: ExchangeFacts, lacking: string): FailedOutcome {
  const { host } = new URL(url)
  const tooLong = answer !== undefined && answer.text === undefined
  const refreshToken = refreshTokenIn(answer?.json)
  const failure: Failure = {
    code: 'invalid_response',
    message: tooLong
      ? `The answer of ${host} is longer than 1 MiB: its access token is not kept. A token that says less (fewer groups, fewer scopes) is shorter.`
      : `${host} answered with ${refreshToken ? 'a refresh token, but with ' : ''}${lacking}.`,
  }
  if (refreshToken) return { kind: 'salvaged', refreshToken, failure, ...(tooLong && { tooLong }) }
  if (answer?.json) return { ...toUnavailable(failure, false), ...(tooLong && { tooLong }) }
  if (answer && isPage(answer)) {
    // A captive portal, a proxy, a maintenance page: the request got no further.
    const message = `A web page came back instead of a token from ${host}: a captive portal, a proxy or a maintenance page stands in the way.`
    return toUnavailable({ code: 'unavailable', message }, false)
  }
  if (tooLong) return { ...toUnavailable(failure, true), tooLong }
  // Cut in a way that HTTP does not show: it may have held our tokens.
  const message = `The answer of ${host} cannot be read.`
  return toUnavailable({ code: 'invalid_response', message }, true)
}

/** Whether an answer with this status says that the endpoint is not where it was. */
export function isMoved(status: number): boolean {
  return MOVED.has(status)
}

/** Whether a success is none: an OAuth error is one wherever it stands, also in a 200 (GitHub, Slack). */
function isError({ json }: Answer): boolean {
  return readCode(json) !== undefined && !('access_token' in (json ?? {})) && !refreshTokenIn(json)
}

function judgeRefusal(answer: Answer, facts: ExchangeFacts, request: Request): FailedOutcome {
  const { status, json, retryAfterMs } = answer
  const { isRefresh = false, final = [] } = request
  const host = new URL(facts.url ?? '').host
  const stated = readCode(json)
  const words = readWords(json)
  // An error inside a 5xx or a 429 is about the server's state, whatever its code.
  const decided = status < 300 || (status >= 400 && status < 500 && !TURNED_AWAY.has(status))
  if (decided) {
    const code = decideCode(answer, stated, request)
    if (code !== undefined) {
      const own = stated === undefined || stated === code ? '' : ` (${stated})`
      if (NEEDS_SIGN_IN.has(code) || final.includes(code)) {
        const message = words ?? `${host} answered ${stated ?? code}.`
        return { kind: 'rejected', failure: { code, message: `${message}${own}` } }
      }
      const complaint = complaintOf(code)
      if (complaint !== undefined) {
        const failure = { code, message: say(host, `${complaint}${own}`, words) }
        return { kind: 'misconfigured', failure }
      }
    }
    if (json && !mayPass(stated)) {
      const answered = stated === undefined ? `status ${status}` : `${stated} (status ${status})`
      const failure = {
        code: standardCode(stated ?? 'unavailable', { isRefresh }),
        message: say(host, `answered with ${answered}`, words),
      }
      return {
        ...toUnavailable(failure, false, retryAfterMs),
        refusal: `${status} ${stated ?? ''}`,
      }
    }
  }
  const redirected = redirectInWords(answer, facts.url ?? '')
  const message = redirected ?? say(host, `answered with status ${status}`, words)
  return toUnavailable(
    { code: stated ?? 'unavailable', message },
    status >= 500 && !TURNED_AWAY.has(status),
    retryAfterMs,
  )
}

/** The standard code that a refusal stands for; undefined where it names none that we know. */
function decideCode(
  answer: Answer,
  stated: string | undefined,
  { isRefresh = false, hasSecret = false }: Request,
): string | undefined {
  const code = stated === undefined ? undefined : standardCode(stated, { isRefresh })
  const { status, challenged, json } = answer
  if (status !== 401) return code
  const known = code !== undefined && (NEEDS_SIGN_IN.has(code) || complaintOf(code) !== undefined)
  // A wrong secret is `unauthorized_client` at Keycloak, and anything at others.
  if (hasSecret && json && (!known || code === 'unauthorized_client')) return 'invalid_client'
  return code ?? (challenged && !isPage(answer) ? 'invalid_client' : undefined)
}

/** RFC 6749 §5.2; Supabase says `error_code` or `code`, and Google puts an object where the code belongs. */
function readCode(json: Answer['json']): string | undefined {
  const { error, error_code, code } = json ?? {}
  const places = isObject(error)
    ? [error.code, error.status, error.type]
    : [error, error_code, code]
  return places.map(errorCode).find((found) => found !== undefined)
}

function readWords(json: Answer['json']): string | undefined {
  const { error, error_description: description, error_message, msg, message } = json ?? {}
  const inError = isObject(error) ? (error.message ?? error.description) : undefined
  return [description, inError, error_message, msg, message]
    .map(readableWords)
    .find((words) => words !== undefined)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function say(host: string, complaint: string, words: string | undefined): string {
  return words === undefined ? `${host} ${complaint}.` : `${host} ${complaint}: ${words}`
}

function toUnavailable(
  failure: Failure,
  answerLost: boolean,
  retryAfterMs?: number,
): Extract<FailedOutcome, { kind: 'unavailable' }> {
  return {
    kind: 'unavailable',
    failure,
    answerLost,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}
