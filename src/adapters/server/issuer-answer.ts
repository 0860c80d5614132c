/**
 * An HTTP answer, read by us to its end before any library sees it: a rotated refresh token exists
 * nowhere else.
 */
import type { Instant } from '../../core/token.ts'
import { formObject } from './form-answer.ts'
import { jsonObject, refreshTokenOfPart } from './json-answer.ts'
import type { IssuerResponse } from './issuer-fetch.ts'

/** Room for the access token of a person in thousands of groups. */
const LONGEST_KEPT = 1024 * 1024

/** A longer answer is read on for its refresh token, which cannot be had again. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024

export interface IssuerAnswer {
  readonly status: number
  readonly contentType: string
  /** Undefined where it was longer than 1 MiB. */
  readonly text: string | undefined
  /**
   * The body, if it is a JSON object, whatever its content type says; or what a form says. Where the
   * body is longer than 1 MiB, or its end is missing, it has its refresh token alone, if that is there.
   */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** Whether the server wants us to authenticate in another way (RFC 6749 §5.2). */
  readonly challenged: boolean
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** Where a redirect leads, as it was sent. */
  readonly location: string | undefined
}

/**
 * Rejects, as `fetch` does, where the connection breaks before the body is complete: but not where a
 * success had its refresh token by then.
 */
export async function readAnswer(response: IssuerResponse, now: Instant): Promise<IssuerAnswer> {
  const { status, headers } = response
  const contentType = headers.get('content-type') ?? ''
  const { text, isWhole, fault } = await readAnswerText(response.body)
  const members =
    (isWhole ? (jsonObject(text) ?? formObject(text, contentType)) : undefined) ??
    refreshTokenOfPart(text)
  if (fault !== undefined && (!members || status < 200 || status > 299)) throw fault
  const tooLong = text.length > LONGEST_KEPT
  return {
    status,
    contentType,
    text: tooLong ? undefined : text,
    json: tooLong ? refreshTokenAlone(members) : members,
    challenged: headers.get('www-authenticate') !== null,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), now),
    location: headers.get('location') ?? undefined,
  }
}

/** Whether it is a web page, such as that of a captive portal or a proxy. */
export function isPage({ contentType, text }: IssuerAnswer): boolean {
  return /\bhtml\b/i.test(contentType) || /^\s*</.test(text ?? '')
}

interface ReadText {
  readonly text: string
  /** Whether nothing of it is missing: it may be longer than we read, or have broken off. */
  readonly isWhole: boolean
  /** Why it broke off. */
  readonly fault?: Error
}

async function readAnswerText(body: AsyncIterable<Uint8Array> | null): Promise<ReadText> {
  const chunks: Uint8Array[] = []
  const textSoFar = () => new TextDecoder().decode(Buffer.concat(chunks))
  let length = 0
  try {
    for await (const chunk of body ?? []) {
      length += chunk.byteLength
      chunks.push(chunk)
      // Leaving the loop cancels the rest.
      if (length > ANSWER_MAX_BYTES) return { text: textSoFar(), isWhole: false }
    }
  } catch (error) {
    return { text: textSoFar(), isWhole: false, fault: error as Error }
  }
  return { text: textSoFar(), isWhole: true }
}

function refreshTokenAlone(json: IssuerAnswer['json']): IssuerAnswer['json'] {
  return json && ('refresh_token' in json ? { refresh_token: json.refresh_token } : {})
}

/** Seconds, or an HTTP date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | null, now: Instant): number | undefined {
  const value = header?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = /[a-z]/i.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
