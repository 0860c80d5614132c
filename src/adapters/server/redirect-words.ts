/** The message about a redirect: none is ever followed, since our requests carry secrets. */
import type { IssuerAnswer } from './issuer-answer.ts'

const NOT_SENT_ON =
  'a request with a secret does not follow it. If the new address is right, name the endpoint in the config.'

/**
 * A sentence that names the target; undefined where the answer is not a redirect.
 *
 * @param advice ends it: what follows from the redirect.
 */
export function redirectInWords(
  { status, location }: IssuerAnswer,
  url: string,
  advice = NOT_SENT_ON,
): string | undefined {
  if (status < 300 || status > 399 || status === 304) return undefined
  const { host, origin } = new URL(url)
  const answered = `${host} answered with a redirect (status ${status})`
  const target =
    location !== undefined && URL.canParse(location, url) ? new URL(location, url) : undefined
  if (!target) return `${answered}, and names no address that could be used.`
  // Only the origin of a foreign address: the rest may hold anything.
  const where = target.origin === origin ? `${origin}${target.pathname}` : target.origin
  const other = target.origin === origin ? '' : ', another server'
  return `${answered} to ${where}${other}: ${advice}`
}
