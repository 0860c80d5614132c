/** `fetch` with the token of an app, and a second try where an API refuses it. */
import { defaultClient, type TokenClient } from './token-client.ts'
import type { Token } from './token.ts'

export interface AuthorizedFetchOptions {
  readonly client?: TokenClient
  /** Sends the requests; by default the global `fetch`. */
  readonly fetch?: typeof fetch
}

/**
 * Returns a function like `fetch`, for the APIs of `app` (by default `$EVO_TOKEN_APP`). It sends a good token with
 * each request, and repeats a request that is answered with 401 once with another token, where there is one.
 * Besides what `fetch` throws, it throws `EvoTokenError`.
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

/** Whether the token was refused. A redirect to another origin loses the header (Fetch Standard §4.4), so its 401 does not count. */
function wasRefused({ status, redirected, url }: Response, request: Request): boolean {
  if (status !== 401) return false
  return !redirected || new URL(url).origin === new URL(request.url).origin
}
