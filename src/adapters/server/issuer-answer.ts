/**
 * An HTTP answer, read by us to its end before any library sees it: a rotated refresh token exists
 * nowhere else.
 */
import type { Instant } from '../../core/token.ts'
import { decodeBody } from './content-encoding.ts'
import { formObject } from './form-answer.ts'
import { jsonObject, refreshTokenOfPart } from './json-answer.ts'
import type { IssuerResponse } from './issuer-response.ts'

/**
 * Room for the access token of a person in thousands of groups. A longer answer is read on for its refresh
 * token, which cannot be had again.
 */
const LONGEST_KEPT = 1024 * 1024

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
  /** Whether the body is no complete object: `json`, if any, is what could be found in it. */
  readonly isPart: boolean
  /** Whether the server wants us to authenticate in another way (RFC 6749 §5.2). */
  readonly challenged: boolean
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined
  /** Where a redirect leads, as it was sent. */
  readonly location: string | undefined
}

/** @throws where the connection broke before the body was complete: but not where a success had its refresh token by then. */
export function readAnswer(response: IssuerResponse, now: Instant): IssuerAnswer {
  const { status, headers, isWhole, fault } = response
  const contentType = headers.get('content-type') ?? ''
  const text = new TextDecoder().decode(
    decodeBody(response.body, headers.get('content-encoding') ?? ''),
  )
  // An object with its end is complete, whatever was to follow it.
  const complete = jsonObject(text) ?? (isWhole ? formObject(text, contentType) : undefined)
  const members = complete ?? refreshTokenOfPart(text)
  if (fault !== undefined && (!members || status < 200 || status > 299)) throw fault
  const tooLong = text.length > LONGEST_KEPT
  return {
    status,
    contentType,
    text: tooLong ? undefined : text,
    json: tooLong ? refreshTokenAlone(members) : members,
    isPart: !complete,
    challenged: headers.get('www-authenticate') !== null,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), now),
    location: headers.get('location') ?? undefined,
  }
}

/** Whether it is a web page, such as that of a captive portal or a proxy. */
export function isPage({ contentType, text }: IssuerAnswer): boolean {
  return /\bhtml\b/i.test(contentType) || /^\s*</.test(text ?? '')
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
