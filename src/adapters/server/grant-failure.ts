/**
 * Judges token requests that brought no usable tokens. This is the only place that decides what ends a
 * session: only a final answer of the server, never what the network does.
 */
import { ClientError } from 'openid-client'
import type { Failure } from '../../core/ports.ts'
import type { GrantOutcome } from '../../core/authorization-server.ts'
import {
  complaintOf,
  isKnownCode,
  isPassing,
  meansToken,
  NEEDS_SIGN_IN,
  soundsPassing,
  standardCode,
} from './error-codes.ts'
import type { ExchangeFacts } from './http-exchange.ts'
import { type IssuerAnswer, isPage } from './issuer-answer.ts'
import { describeFault } from './issuer-fault.ts'
import { redirectInWords } from './redirect-words.ts'
import { toReadableWords } from './server-words.ts'
import { isFilled, refreshTokenIn } from './token-response.ts'
import { codeIn, tellsError, wordsIn } from './error-in-answer.ts'

/** Refused before any work was done (RFC 9110 §15.5.9 and §15.6.4, RFC 6585 §4, RFC 8470 §5.2): nothing was spent. */
const TURNED_AWAY = new Set([408, 425, 429, 503])

/** The endpoint is no longer at this address, or redirects to another one. */
const MOVED_STATUSES = new Set([301, 302, 303, 307, 308, 404, 405, 410])

/** The outcomes of a request that brought no usable tokens. */
export type FailedOutcome = Exclude<GrantOutcome, { readonly kind: 'granted' }>

export interface RequestFacts {
  /** What a successful answer should have contained. */
  readonly wanted: string
  /** Error codes that end this kind of grant, besides the usual ones. */
  readonly final?: readonly string[]
  readonly isRefresh?: boolean
  /** Whether the app showed a client secret. */
  readonly hasSecret?: boolean
}

/**
 * The outcome of a request that ended in `error`, which openid-client threw. An error that neither the
 * server nor the network caused is thrown again.
 */
export function toFailedOutcome(
  error: unknown,
  facts: ExchangeFacts,
  request: RequestFacts,
): FailedOutcome {
  const { answer, fault, withheld, sent, url = '' } = facts
  if (withheld) return toUnavailableOutcome(withheld, false)
  if (fault) {
    const { message, maybeArrived } = describeFault(fault.error, url)
    return toUnavailableOutcome({ code: 'unavailable', message }, sent && maybeArrived)
  }
  if (!answer) throw error
  if (answer.status < 200 || answer.status > 299 || isError(answer)) {
    return judgeRefusal(answer, facts, request)
  }
  const outcome = judgeUnusable(facts, `no ${request.wanted}`)
  // Even a bug of ours must not cost the refresh token in this answer.
  if (outcome.kind !== 'salvaged' && !(error instanceof ClientError)) throw error
  return outcome
}

/** The outcome of a successful answer that cannot be used; a refresh token in it is salvaged. */
export function judgeUnusable({ answer, url = '' }: ExchangeFacts, lacking: string): FailedOutcome {
  const { host } = new URL(url)
  const tooLong = answer !== undefined && answer.text === undefined
  const refreshToken = refreshTokenIn(answer?.json)
  const unusable = answer?.isPart ? 'text that is no complete JSON' : lacking
  const failure: Failure = {
    code: 'invalid_response',
    message: tooLong
      ? `The answer of ${host} is longer than 1 MiB: its access token is not kept. A token that says less (fewer groups, fewer scopes) is shorter.`
      : `${host} answered with ${refreshToken ? 'a refresh token, but with ' : ''}${unusable}.`,
  }
  if (refreshToken) return { kind: 'salvaged', refreshToken, failure, ...(tooLong && { tooLong }) }
  if (answer?.json) return { ...toUnavailableOutcome(failure, false), ...(tooLong && { tooLong }) }
  if (answer && isPage(answer)) {
    // A captive portal, a proxy, a maintenance page: the request got no further.
    const message = `A web page came back instead of a token from ${host}: a captive portal, a proxy or a maintenance page stands in the way.`
    return toUnavailableOutcome({ code: 'unavailable', message }, false)
  }
  if (tooLong) return { ...toUnavailableOutcome(failure, true), tooLong }
  // The answer was cut in a way that HTTP does not show: it may have held our tokens.
  const message = `The answer of ${host} cannot be read.`
  return toUnavailableOutcome({ code: 'invalid_response', message }, true)
}

/** Whether an answer with this status says that the endpoint is not where it was. */
export function isMoved(status: number): boolean {
  return MOVED_STATUSES.has(status)
}

/** Whether an answer with a success status is an OAuth error all the same (GitHub, Slack). */
function isError({ json }: IssuerAnswer): boolean {
  return tellsError(json) && !isFilled(json?.access_token) && !refreshTokenIn(json)
}

function judgeRefusal(
  answer: IssuerAnswer,
  facts: ExchangeFacts,
  request: RequestFacts,
): FailedOutcome {
  const { status, json, retryAfterMs } = answer
  const { isRefresh = false, final = [] } = request
  const host = new URL(facts.url ?? '').host
  const isOurs = (code: string) => final.includes(code) || isKnownCode(code, { isRefresh })
  const stated = codeIn(json, isOurs)
  const words = wordsIn(json) ?? plainWords(answer)
  const answered = `answered with ${stated === undefined ? `status ${status}` : `${stated} (status ${status})`}`
  // An error inside a 5xx or a 429 is about the server's state, whatever its code.
  const decided = status < 300 || (status >= 400 && status < 500 && !TURNED_AWAY.has(status))
  if (decided) {
    const standard = stated === undefined ? undefined : standardCode(stated, { isRefresh })
    const code = decideCode(answer, stated !== undefined && isOurs(stated), request, standard)
    const own = stated === undefined || stated === code ? '' : ` (${stated})`
    const costsSession = code !== undefined && (NEEDS_SIGN_IN.has(code) || final.includes(code))
    const complaint = code === undefined ? undefined : complaintOf(code)
    // What the words deny is believed when the server has said it again and again.
    const doubtful = (isRefresh && meansToken(standard, words)) || soundsPassing(words)
    if (costsSession && !doubtful) {
      const message = words === undefined ? `${host} answered ${stated ?? code}.` : words + own
      return { kind: 'rejected', failure: { code, message } }
    }
    if (code !== undefined && complaint !== undefined && !doubtful) {
      const failure = { code, message: describeComplaint(host, `${complaint}${own}`, words) }
      return { kind: 'misconfigured', failure }
    }
    const mayPass = isPassing(stated) || soundsPassing(words)
    if (json && (costsSession || complaint !== undefined || !mayPass)) {
      const failure = {
        code: standardCode(stated ?? 'unavailable', { isRefresh }),
        message: describeComplaint(host, answered, words),
      }
      return {
        ...toUnavailableOutcome(failure, false, retryAfterMs),
        refusal: `${status} ${stated ?? ''}`,
      }
    }
  }
  const redirected = redirectInWords(answer, facts.url ?? '')
  const message = redirected ?? describeComplaint(host, answered, words)
  return toUnavailableOutcome(
    { code: standardCode(stated ?? 'unavailable', { isRefresh }), message },
    status >= 500 && !TURNED_AWAY.has(status),
    retryAfterMs,
  )
}

/** What a refusal is about, by its status too; `standard` is the code that it names itself. */
function decideCode(
  answer: IssuerAnswer,
  isOurs: boolean,
  { hasSecret = false }: RequestFacts,
  standard: string | undefined,
): string | undefined {
  const { status, challenged, json } = answer
  if (status !== 401) return standard
  // A wrong secret is `unauthorized_client` at Keycloak, and anything at others.
  if (hasSecret && json && (!isOurs || standard === 'unauthorized_client')) return 'invalid_client'
  return standard ?? (challenged && !isPage(answer) ? 'invalid_client' : undefined)
}

/** A line of text, which gateways answer with (Envoy). */
function plainWords(answer: IssuerAnswer): string | undefined {
  const { json, text = '' } = answer
  return json || isPage(answer) || /[\r\n]/.test(text.trim()) ? undefined : toReadableWords(text)
}

function describeComplaint(host: string, complaint: string, words: string | undefined): string {
  return words === undefined ? `${host} ${complaint}.` : `${host} ${complaint}: ${words}`
}

function toUnavailableOutcome(
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
