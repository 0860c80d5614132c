/**
 * Answers in the form encoding of requests (GitHub's default): the same members as in JSON, all of
 * them strings. Only plausible text is read as a form: a captive portal's page must stay a page.
 */

/** A member that an answer of an OAuth endpoint has (RFC 6749 §5, RFC 8628 §3.2). */
const OAUTH_MEMBER = /(?:^|&)(?:access_token|refresh_token|error|device_code)=/

/** One line of pairs. Some servers do not encode spaces and the like in the values. */
const FORM_LINE = /^[\w.~%+-]+=[^<>{}\r\n&]*(?:&[\w.~%+-]+=[^<>{}\r\n&]*)*&?$/

const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i

/** The members of `text`, the first one of each name; undefined where it is not a form. */
export function formObject(text: string, contentType: string): Record<string, string> | undefined {
  const form = text.trim()
  if (!FORM_LINE.test(form) || /\bhtml\b/i.test(contentType)) return undefined
  if (!FORM_TYPE.test(contentType) && !OAUTH_MEMBER.test(form)) return undefined
  return Object.fromEntries([...new URLSearchParams(form)].reverse())
}
