/**
 * What happens to token requests on their way, as data: whether the server acted, what it may cost,
 * and what a client has to say of it meanwhile. One entry each; `faulty-path.ts` makes them happen.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange, Forwarded, Happening } from './faulty-path.ts'

/** What the daemon tells of a session: first while the old token is good, then when it has run out. */
export interface Says {
  readonly session: 'active' | 'retrying' | 'misconfigured' | 'signed-out'
  /** Of `/readyz` without a good token, and the code of the problem that callers get; null: none. */
  readonly reason: 'unavailable' | 'misconfigured' | 'login_required' | null
  /** Of the status and of the command line then. */
  readonly status: 200 | 409 | 503
  readonly exit: 0 | 3 | 5 | 7
}

const WELL: Says = { session: 'active', reason: null, status: 200, exit: 0 }
const UNAVAILABLE: Says = { session: 'retrying', reason: 'unavailable', status: 503, exit: 5 }
const MISCONFIGURED: Says = {
  session: 'misconfigured',
  reason: 'misconfigured',
  status: 409,
  exit: 7,
}
const ENDED: Says = { session: 'signed-out', reason: 'login_required', status: 409, exit: 3 }

export interface PathFault extends Happening {
  /** Whether the authorization server acted on the request, and so spent the refresh token. */
  readonly acted: boolean
  /**
   * `kept`: whatever the fault does. `may be lost`: the server spent the old refresh token, and the
   * new one is nowhere. `ended`: the answer says so, in the words that only a server may use.
   */
  readonly session: 'kept' | 'may be lost' | 'ended'
  readonly says: Says
  /** `last_error.error` of the status. */
  readonly error: string | null
  /** How many requests one attempt may be: 2 where the first may have been acted on for all we know. */
  readonly requests: 1 | 2
  /** What the answer asks the client to wait. */
  readonly retryAfterS?: number
  /** Whether it lasts until the client gives up. */
  readonly hangs?: boolean
}

export const RETRY_AFTER_S = 120

const PAGE = '<!DOCTYPE html><html><body><h1>Out of order</h1></body></html>'
const PORTAL = '<!DOCTYPE html><html><body>Accept the terms of this airport</body></html>'
const HTML = { 'content-type': 'text/html; charset=utf-8' }
const JSON_TYPE = { 'content-type': 'application/json' }

/** RFC 6749 §5.2. */
const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
] as const

/** Nothing came back that tells anything, and nothing says that the server got the request. */
function unreached(name: string, happen: Happening['happen'], error = 'unavailable'): PathFault {
  return { name, acted: false, session: 'kept', says: UNAVAILABLE, error, requests: 1, happen }
}

/** The client cannot know, and the server never got the request. */
function unknown(name: string, happen: Happening['happen'], error = 'unavailable'): PathFault {
  return { ...unreached(name, happen, error), requests: 2 }
}

/** The client cannot know, and the server rotated. */
function lost(name: string, happen: Happening['happen'], error = 'unavailable'): PathFault {
  return { ...unknown(name, happen, error), acted: true, session: 'may be lost' }
}

const NO_ANSWER: readonly PathFault[] = [
  unreached('the connection is refused', 'refuses'),
  unknown('a reset before the request is forwarded', reset),
  lost('a reset after the request was forwarded', async (exchange) => {
    await exchange.forward()
    reset(exchange)
  }),
  lost('the answer is lost', async (exchange) => {
    await exchange.forward()
    exchange.response.destroy()
  }),
  { ...unknown('no answer ever', (exchange) => exchange.hang()), hangs: true },
  {
    ...lost('no answer ever, although the server acted', async (exchange) => {
      await exchange.forward()
      await exchange.hang()
    }),
    hangs: true,
  },
  {
    ...lost('an answer that comes too slowly', async (exchange) => {
      const { body } = begin(exchange, await exchange.forward())
      exchange.response.write(body.subarray(0, 10))
      await exchange.hang()
    }),
    hangs: true,
  },
  lost('an answer that is cut short', async (exchange) => {
    const { body } = begin(exchange, await exchange.forward())
    exchange.response.write(body.subarray(0, body.length / 2), () => {
      exchange.response.destroy()
    })
  }),
  lost(
    'an answer that is cut short and does not show it',
    async ({ forward, response }) => {
      const { status, headers, body } = await forward()
      // Without a length, the end of the connection is the end of the body.
      response.useChunkedEncodingByDefault = false
      response.writeHead(status, { 'content-type': headers['content-type'], connection: 'close' })
      response.end(body.subarray(0, body.length / 2))
    },
    'invalid_response',
  ),
]

const OTHER_ANSWERS: readonly PathFault[] = [
  {
    ...unreached('429 with Retry-After in seconds', ({ answer }) => {
      answer(429, PAGE, { ...HTML, 'retry-after': String(RETRY_AFTER_S) })
    }),
    retryAfterS: RETRY_AFTER_S,
  },
  {
    ...unreached('429 with Retry-After as a date', ({ answer, now }) => {
      const date = new Date(now() + RETRY_AFTER_S * 1000).toUTCString()
      answer(429, PAGE, { ...HTML, 'retry-after': date })
    }),
    retryAfterS: RETRY_AFTER_S,
  },
  unknown('500 with a page', answering(500, PAGE, HTML)),
  unknown('502 with a page', answering(502, PAGE, HTML)),
  lost('502, although the server acted', async ({ forward, answer }) => {
    await forward()
    answer(502, PAGE, HTML)
  }),
  unreached('503 with a page', answering(503, PAGE, HTML)),
  unreached('the page of a captive portal', answering(200, PORTAL, HTML)),
  unreached('a redirect', answering(302, '', { location: 'http://127.0.0.1:9/portal' })),
  unknown('JSON that is none', answering(200, '{"access_token":', JSON_TYPE), 'invalid_response'),
  unreached(
    'JSON without an access token',
    answering(200, '{"status":"ok"}', JSON_TYPE),
    'invalid_response',
  ),
  {
    ...unreached(
      '2 MB of JSON',
      answering(200, JSON.stringify({ padding: 'x'.repeat(2 * 1024 * 1024) }), JSON_TYPE),
      'invalid_response',
    ),
    // The next answer will be as long: it is not asked for before `retryMax`.
    retryAfterS: 300,
  },
  unknown('null', answering(200, 'null', JSON_TYPE), 'invalid_response'),
]

const ERRORS: readonly PathFault[] = OAUTH_ERRORS.flatMap((error) =>
  [false, true].map((challenges): PathFault => {
    const ends = error === 'invalid_grant'
    const challenge = challenges ? { 'www-authenticate': `Basic realm="token"` } : {}
    const body = JSON.stringify({ error, error_description: 'as the path would have it' })
    return {
      name: `${error} ${challenges ? 'with' : 'without'} WWW-Authenticate`,
      acted: false,
      session: ends ? 'ended' : 'kept',
      says: ends ? ENDED : MISCONFIGURED,
      error,
      requests: 1,
      happen: answering(challenges ? 401 : 400, body, { ...JSON_TYPE, ...challenge }),
    }
  }),
)

/** A JWT from long ago; its signature is not looked at, since no client asked for it. */
const OLD_ID_TOKEN = [
  { alg: 'RS256', typ: 'JWT' },
  { iss: 'https://elsewhere.example', sub: 'ada', aud: 'nobody', exp: 1_000_000_000, iat: 1 },
  'no signature',
]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.')

const DAMAGE: readonly (readonly [what: string, change: object, usable: boolean])[] = [
  ['expires_in null', { expires_in: null }, true],
  ['expires_in -1', { expires_in: -1 }, true],
  ['expires_in "abc"', { expires_in: 'abc' }, true],
  ['no token_type', { token_type: undefined }, true],
  ['scope as an array', { scope: ['evo.discovery', 'evo.workspace'] }, true],
  ['an old id_token', { id_token: OLD_ID_TOKEN }, true],
  ['no access_token', { access_token: undefined }, false],
]

/** The server's own new refresh token, in an answer that is otherwise damaged. */
const DAMAGED: readonly PathFault[] = [200, 201].flatMap((status) =>
  DAMAGE.map(([what, change, usable]): PathFault => ({
    name: `a new refresh token in a ${status} with ${what}`,
    acted: true,
    session: 'kept',
    says: usable ? WELL : UNAVAILABLE,
    error: usable ? null : 'invalid_response',
    requests: 1,
    async happen({ forward, answer }) {
      const forwarded = await forward()
      const { status: served, body } = forwarded
      const granted = JSON.parse(body.toString()) as object
      answer(served === 200 ? status : served, JSON.stringify({ ...granted, ...change }), JSON_TYPE)
    },
  })),
)

const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

/** What other servers answer than Evo's. */
const OTHERWISE: readonly PathFault[] = [
  {
    name: 'an answer in form encoding',
    acted: true,
    session: 'kept',
    says: WELL,
    error: null,
    requests: 1,
    async happen({ forward, answer }) {
      const { status, body } = await forward()
      const granted = JSON.parse(body.toString()) as Record<string, string>
      answer(status, new URLSearchParams(granted).toString(), FORM_TYPE)
    },
  },
  {
    name: 'invalid_grant in form encoding',
    acted: false,
    session: 'ended',
    says: ENDED,
    error: 'invalid_grant',
    requests: 1,
    happen: answering(400, 'error=invalid_grant&error_description=It+is+over.', FORM_TYPE),
  },
  {
    name: 'a new refresh token with an access token of another type',
    acted: true,
    session: 'kept',
    says: MISCONFIGURED,
    error: 'no_bearer_token',
    requests: 1,
    async happen({ forward, answer }) {
      const { status, body } = await forward()
      const granted = JSON.parse(body.toString()) as object
      answer(status, JSON.stringify({ ...granted, token_type: 'DPoP' }), JSON_TYPE)
    },
  },
]

const SLOW: PathFault = {
  name: 'an answer that drips, a byte at a time',
  acted: true,
  session: 'kept',
  says: WELL,
  error: null,
  requests: 1,
  async happen(exchange) {
    const { body } = begin(exchange, await exchange.forward())
    for (const byte of body) {
      await new Promise((resolve) => exchange.response.write(Buffer.of(byte), resolve))
    }
    exchange.response.end()
  },
}

export const PATH_FAULTS: readonly PathFault[] = [
  ...NO_ANSWER,
  ...OTHER_ANSWERS,
  ...ERRORS,
  SLOW,
  ...OTHERWISE,
  ...DAMAGED,
]

/** A fault of the table by its name. */
export function pathFault(name: string): PathFault {
  const found = PATH_FAULTS.find((fault) => fault.name === name)
  if (!found) throw new Error(`no fault of the path is called "${name}"`)
  return found
}

function answering(
  status: number,
  body: string,
  headers: OutgoingHttpHeaders,
): Happening['happen'] {
  return ({ answer }) => {
    answer(status, body, headers)
  }
}

function reset({ response }: Exchange): void {
  response.socket?.resetAndDestroy()
}

/** Sends everything of an answer but its body. */
function begin({ response }: Exchange, forwarded: Forwarded): Forwarded {
  const { status, headers, body } = forwarded
  response.writeHead(status, {
    'content-type': headers['content-type'],
    'content-length': body.length,
  })
  return forwarded
}
