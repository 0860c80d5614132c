/**
 * One request of openid-client to an authorization server, and the facts about it. The library sees a
 * copy of the answer; the outcome of the request is decided by the facts.
 */
import type { CustomFetch } from 'openid-client'
import type { Clock, Failure } from '../../core/ports.ts'
import type { LastQuestion } from '../../core/authorization-server.ts'
import type { Reading } from '../../core/token.ts'
import type { Secret } from '../../secret.ts'
import { type IssuerAnswer, readAnswer } from './issuer-answer.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import type { StartTimeLimit, TimeLimit } from './time-limit.ts'

/** Name resolution, TCP, a proxy and TLS together, in milliseconds. */
export const CONNECT_LIMIT_MS = 30_000

/** From the sent request to the end of its answer, in milliseconds. */
export interface AnswerLimits {
  /** A request that spends nothing can be repeated. */
  readonly plainMs: number
  /** Giving up a request that spends a token would lose the next token; callers do not wait this long. */
  readonly spendingMs: number
}

export const ANSWER_LIMITS: AnswerLimits = { plainMs: 30_000, spendingMs: 300_000 }

/** Statuses that may not have a body (Fetch standard, "null body status"). */
const BODILESS_STATUSES = new Set([204, 205, 304])

export interface ExchangeOptions {
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly startTimeLimit: StartTimeLimit
  /** From the sent request to the end of its answer. */
  readonly answerLimitMs: number
  /** Asked when the connection is established, immediately before the first byte is sent. */
  readonly question?: LastQuestion | undefined
  /** Corrects the form before it is sent. */
  readonly adjust?: (form: URLSearchParams) => void
  /** The authorization code, if one is sent: referenced for as long as its exchange, so that logs hide it. */
  readonly code?: Secret
  /** Turns the body of a successful answer into what the library sees. */
  readonly tidy?: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>
}

export interface HttpExchange {
  /** To be given to the library, for one request. */
  readonly fetch: CustomFetch
  readonly facts: ExchangeFacts
}

export interface ExchangeFacts {
  /** The URL of the request; undefined where the library made none. */
  url?: string
  /** Whether its first byte has been sent: before that the server knows nothing of it. */
  sent: boolean
  answer?: IssuerAnswer
  /** When its first byte was sent: the tokens in the answer may be as old as that, however late it arrives. */
  sentAt?: Reading
  /** The answer to the last question, where it cancelled the request. */
  withheld?: Failure
  /** What `fetch` rejected with. */
  fault?: { readonly error: unknown }
  readonly code?: Secret
}

export function createExchange(options: ExchangeOptions): HttpExchange {
  const facts: ExchangeFacts = { sent: false, ...(options.code && { code: options.code }) }
  return {
    facts,
    async fetch(url, { body, headers, method }) {
      const form = new URLSearchParams(body as URLSearchParams)
      options.adjust?.(form)
      facts.url = url
      // Nothing else ends a request but the stop of the daemon: no caller that went away.
      const limits = new LimitsInTurn(options.startTimeLimit)
      limits.start(CONNECT_LIMIT_MS)
      try {
        const response = await options.fetch(url, {
          method: method as 'POST',
          headers: { ...headers, accept: 'application/json' },
          body: form.toString(),
          signal: limits.signal,
          async beforeFirstByte() {
            limits.end()
            const withheld = await options.question?.()
            if (withheld) {
              facts.withheld = withheld
              throw new Error(withheld.message)
            }
            limits.start(options.answerLimitMs)
            facts.sent = true
            facts.sentAt = options.clock.read()
          },
        })
        facts.answer = readAnswer(response, options.clock.read().wall)
      } catch (error) {
        facts.fault = { error }
        throw error
      } finally {
        limits.end()
      }
      return toLibraryResponse(facts.answer, options.tidy)
    },
  }
}

/** The time limits of a request's phases, one after another, behind one signal. */
class LimitsInTurn {
  readonly #startTimeLimit: StartTimeLimit
  readonly #controller = new AbortController()
  #current: TimeLimit | undefined

  constructor(startTimeLimit: StartTimeLimit) {
    this.#startTimeLimit = startTimeLimit
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  start(ms: number): void {
    const limit = this.#startTimeLimit(ms)
    limit.signal.addEventListener('abort', () => {
      this.#controller.abort(limit.signal.reason)
    })
    this.#current = limit
  }

  end(): void {
    this.#current?.end()
  }
}

/** The answer for the library: a successful one is given the form of the RFC. */
function toLibraryResponse(
  { status, json, text }: IssuerAnswer,
  tidy: ExchangeOptions['tidy'],
): Response {
  if (tidy && json && status >= 200 && status < 300) return Response.json(tidy(json))
  return new Response(BODILESS_STATUSES.has(status) ? null : text, {
    status,
    headers: { 'content-type': json ? 'application/json' : 'text/plain' },
  })
}
