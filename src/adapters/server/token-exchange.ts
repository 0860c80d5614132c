/**
 * One request of openid-client to an authorization server, and the facts about it. The library
 * sees a copy of the answer; what becomes of the request is judged by these.
 */
import type { CustomFetch } from 'openid-client'
import type { Clock } from '../../core/ports.ts'
import type { Reading } from '../../core/token.ts'
import type { Secret } from '../../secret.ts'
import { type Answer, readAnswer } from './issuer-answer.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import type { StartTimeLimit } from './time-limit.ts'

/** Long: to give up early on a request that spends a token is to lose its answer. */
const TIMEOUT_MS = 30_000

/** Statuses that may not have a body (Fetch standard, "null body status"). */
const BODILESS = new Set([204, 205, 304])

export interface ExchangeOptions {
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly startTimeLimit: StartTimeLimit
  readonly timeoutMs?: number
  /** Awaited last of all; if it rejects, nothing is sent. */
  readonly beforeSend?: () => Promise<void>
  /** Puts the form right before it leaves. */
  readonly adjust?: (form: URLSearchParams) => void
  /** The authorization code, if one is sent: live as long as its exchange, so that nothing repeats it. */
  readonly code?: Secret
  /** What the library gets to see of a successful answer. */
  readonly tidy?: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>
}

export interface Exchange {
  /** To be given to the library, for one request. */
  readonly fetch: CustomFetch
  readonly facts: Facts
}

export interface Facts {
  /** Where the request went; undefined if it never left. */
  sentTo?: string
  answer?: Answer
  /** When the answer arrived, at the earliest. */
  received?: Reading
  /** What `beforeSend` rejected with. */
  prevented?: { readonly error: unknown }
  /** What `fetch` rejected with. */
  fault?: { readonly error: unknown }
  readonly code?: Secret
}

export function createExchange(options: ExchangeOptions): Exchange {
  const facts: Facts = options.code ? { code: options.code } : {}
  return {
    facts,
    async fetch(url, { body, headers, method }) {
      const form = new URLSearchParams(body as URLSearchParams)
      options.adjust?.(form)
      try {
        await options.beforeSend?.()
      } catch (error) {
        facts.prevented = { error }
        throw error
      }
      facts.sentTo = url
      // Nothing else ends a request: no caller that went away, no shutdown.
      const limit = options.startTimeLimit(options.timeoutMs ?? TIMEOUT_MS)
      try {
        const response = await options.fetch(url, {
          method: method as 'POST',
          headers: { ...headers, accept: 'application/json' },
          body: form.toString(),
          redirect: 'manual',
          signal: limit.signal,
        })
        facts.answer = await readAnswer(response, options.clock.read().wall)
        facts.received = limit.notBefore()
      } catch (error) {
        facts.fault = { error }
        throw error
      } finally {
        limit.end()
      }
      return copyOf(facts.answer, options.tidy)
    },
  }
}

/** The answer for the library: a successful one is made to look as the RFC has it. */
function copyOf({ status, json, text }: Answer, tidy: ExchangeOptions['tidy']): Response {
  if (tidy && json && status >= 200 && status < 300) return Response.json(tidy(json))
  return new Response(BODILESS.has(status) ? null : text, {
    status,
    headers: { 'content-type': json ? 'application/json' : 'text/plain' },
  })
}
