/** `fetch` with the token of an app, and one more try where an API refuses it. */
import { defaultClient, type TokenClient } from './token-client.ts'
import type { Token } from './token.ts'

export interface AuthorizedFetchOptions {
  readonly client?: TokenClient
  /** Sends the requests; Node's own where it is left out. */
  readonly fetch?: typeof fetch
}

/**
 * Use it like `fetch`, for the APIs of `app` (`$EVO_TOKEN_APP` where it is left out): every request
 * goes with a token that is good, and one that is answered with 401 goes once more with another,
 * where there is another. Besides what `fetch` throws, it throws `EvoTokenError`.
 */
export function authorizedFetch(app?: string, options: AuthorizedFetchOptions = {}): typeof fetch {
  const { client = defaultClient(), fetch: send = fetch } = options
  return async (input, init) => {
    const request = new Request(input, init)
    const token = await client.getToken(app)
    // The body of a request can be read once.
    const copy = request.clone()
    const response = await send(withToken(request, token))
    const other = wasRefused(response, request) ? await client.reportRejected(token) : token
    if (other.sha256 === token.sha256) {
      await copy.body?.cancel()
      return response
    }
    await response.body?.cancel()
    return send(withToken(copy, other))
  }
}

function withToken(request: Request, token: Token): Request {
  request.headers.set('Authorization', token.authorization)
  return request
}

/** A redirect to another origin has lost its header (Fetch Standard §4.4): its status says nothing about the token. */
function wasRefused({ status, redirected, url }: Response, request: Request): boolean {
  if (status !== 401) return false
  return !redirected || new URL(url).origin === new URL(request.url).origin
}
