/** What to say of a redirect: it is never followed, since a request of ours carries secrets. */
import type { Answer } from './issuer-answer.ts'

/** A sentence that names the target; undefined where `answer` is no redirect. */
export function redirectInWords({ status, location }: Answer, url: string): string | undefined {
  if (status < 300 || status > 399 || status === 304) return undefined
  const { host, origin } = new URL(url)
  const answered = `${host} answered with a redirect (status ${status})`
  const target =
    location !== undefined && URL.canParse(location, url) ? new URL(location, url) : undefined
  if (!target) return `${answered}, and names no address that could be used.`
  // No more of a foreign address than what says whose it is: the rest may hold anything.
  const where = target.origin === origin ? `${origin}${target.pathname}` : target.origin
  const other = target.origin === origin ? '' : ', another server'
  return `${answered} to ${where}${other}: a request with a secret is not sent on. If that is right, name the endpoint in the config.`
}
