/** Access tokens of another type than bearer: no caller could use one, and asking again brings the same. */
import type { FailedOutcome } from './grant-failure.ts'
import { toReadableWords } from './server-words.ts'
import type { ExchangeFacts } from './http-exchange.ts'
import { isBearer, refreshTokenIn } from './token-response.ts'

/** How much of a type is shown. */
const TYPE_SHOWN_MAX_LENGTH = 40

/** The outcome of an answer whose access token is of another type; undefined for any other answer. */
export function otherTokenType({ answer, url = '' }: ExchangeFacts): FailedOutcome | undefined {
  const { access_token, token_type } = answer?.json ?? {}
  const ok = answer !== undefined && answer.status >= 200 && answer.status < 300
  if (!ok || typeof access_token !== 'string' || isBearer(token_type)) return undefined
  const { host } = new URL(url)
  const type = toReadableWords(token_type)?.slice(0, TYPE_SHOWN_MAX_LENGTH) ?? ''
  const failure = {
    code: 'no_bearer_token',
    message: `${host} answered with an access token of the type "${type}", and evo-token serves bearer tokens only. Have the server issue bearer tokens to this app.`,
  }
  const refreshToken = refreshTokenIn(answer.json)
  return refreshToken
    ? { kind: 'salvaged', refreshToken, failure, lasting: true }
    : { kind: 'misconfigured', failure }
}
