/**
 * What came back over HTTP, read by us and to an end: no library gets to see an answer before we
 * have it in hand, since a token that rotates is in no other place than this.
 */
import type { Instant } from '../../core/token.ts'
import { formObject } from './form-answer.ts'
import type { IssuerResponse } from './issuer-fetch.ts'

/** Room for the access token of a person in thousands of groups. */
const LONGEST_KEPT = 1024 * 1024

/** What is longer than `LONGEST_KEPT` is read on for the one thing that cannot be had again. */
const LONGEST_READ = 16 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly contentType: string
  /** Undefined where it was longer than 1 MiB. */
  readonly text: string | undefined
  /**
   * The body, if it is a JSON object, whatever its content type says; or what a form says. Where the
   * body is longer than 1 MiB it has its refresh token alone, if there is one.
   */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Whether the server wants us to authenticate in another way (RFC 6749 §5.2). */
  readonly challenged: boolean
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** Where a redirect leads, as it was sent. */
  readonly location: string | undefined
}

/** Rejects, as `fetch` does, where the connection breaks before the body is complete. */
export async function readAnswer(response: IssuerResponse, now: Instant): Promise<Answer> {
  const { status, headers } = response
  const contentType = headers.get('content-type') ?? ''
  const whole = await readText(response.body)
  const tooLong = whole === undefined || whole.length > LONGEST_KEPT
  const members =
    whole === undefined ? undefined : (jsonObject(whole) ?? formObject(whole, contentType))
  return {
    status,
    contentType,
    text: tooLong ? undefined : whole,
    json: tooLong ? refreshTokenAlone(members) : members,
    challenged: headers.get('www-authenticate') !== null,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), now),
    location: headers.get('location') ?? undefined,
  }
}

/** Whether it seems to come from something else than a token endpoint: a captive portal, a proxy. */
export function isPage({ contentType, text }: Answer): boolean {
  return /\bhtml\b/i.test(contentType) || /^\s*</.test(text ?? '')
}

/** Undefined where it is longer than we read. */
async function readText(body: AsyncIterable<Uint8Array> | null): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (length > LONGEST_READ) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function refreshTokenAlone(json: Answer['json']): Answer['json'] {
  return json && ('refresh_token' in json ? { refresh_token: json.refresh_token } : {})
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Pages and empty bodies are ordinary here; the code that needs JSON judges its absence.
    return undefined
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** Seconds, or an HTTP date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | null, now: Instant): number | undefined {
  const value = header?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = /[a-z]/i.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
