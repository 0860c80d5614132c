/**
 * The HTTP client for authorization servers: through the proxies of the environment, trusting the
 * company's CA besides the public ones, with a new connection for each request.
 */
import { createSecureContext } from 'node:tls'
import { buildConnector, Client, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { SidecarError } from '../../errors.ts'
import { trustedCertificates } from './certificate-authorities.ts'
import { type IssuerResponse, requestAll, type SentRequest } from './issuer-response.ts'
import { HEAD_MAX_BYTES, tidyHead } from './response-head.ts'
import { createSocksTunnels, isSocks, socksUrlIn, standInFor } from './socks-tunnels.ts'

/** A redirect is an answer like any other, never followed. */
export type IssuerFetch = (url: string, request: IssuerRequest) => Promise<IssuerResponse>

export interface IssuerRequest extends SentRequest {
  /**
   * Awaited when the connection is established (TCP, proxy, TLS); the first byte is sent in the turn of
   * the event loop in which it resolves. Where it rejects, nothing is sent and the fetch rejects.
   */
  readonly beforeFirstByte?: () => Promise<void>
}

export interface IssuerFetchOptions {
  /** A PEM file with certificates to trust besides the public ones. */
  readonly ca?: string
  readonly env: NodeJS.ProcessEnv
}

/**
 * How long one address of several is tried before the next, in milliseconds. Node gives the earlier one
 * up then, so it has to be longer than a slow network takes: its own limit, 250 ms, is not.
 */
const ADDRESS_LIMIT_MS = 2_500

const DAEMON_STOPS = new DOMException('The daemon stops.', 'AbortError')

/** An issuer on this machine is never behind a proxy, even if the environment does not say so. */
const NEVER_PROXIED = 'localhost,127.0.0.1,[::1]'

const PROXY_URL = /^(https?|socks5?):\/\//i

/**
 * `close` aborts the requests that are still under way.
 *
 * @throws {SidecarError} `config` where the CA file or a proxy of the environment cannot be used.
 */
export function createIssuerFetch({ ca, env }: IssuerFetchOptions): {
  readonly fetch: IssuerFetch
  readonly close: () => void
} {
  // Made once: to read all root certificates for each connection would take longer than the request.
  const secureContext =
    ca === undefined ? undefined : createSecureContext({ ca: trustedCertificates(ca, env) })
  const proxies = {
    // An empty string means "none"; left out, undici would look into its own process's environment.
    httpProxy: proxyFrom(env, 'http_proxy', 'HTTP_PROXY'),
    httpsProxy: proxyFrom(env, 'https_proxy', 'HTTPS_PROXY'),
    noProxy: noProxy(env),
  }
  const underWay = new Set<AbortController>()
  let closed = false
  return {
    async fetch(url, { beforeFirstByte, ...request }) {
      // Not `AbortSignal.any` with a signal that lives as long as the daemon: that would keep each request for ever.
      const controller = new AbortController()
      const { signal } = controller
      const breakOff = () => {
        controller.abort(closed ? DAEMON_STOPS : request.signal.reason)
      }
      if (closed || request.signal.aborted) breakOff()
      request.signal.addEventListener('abort', breakOff)
      underWay.add(controller)
      // undici's own time limits are off everywhere: the caller limits the time, on the daemon's clock.
      const secure = {
        timeout: 0,
        signal,
        autoSelectFamilyAttemptTimeout: ADDRESS_LIMIT_MS,
        ...(secureContext && { secureContext }),
      }
      // No connection is used twice. A server that closes an idle one just as we write to it would
      // look like a lost answer, and a lost answer may cost a session.
      const agent = new EnvHttpProxyAgent({
        ...proxies,
        connect: secure,
        requestTls: secure,
        proxyTls: secure,
        clientFactory: (proxyUrl, options) => createProxyClient(proxyUrl, connectorIn(options)),
        factory: (origin, options) =>
          new Client(origin, {
            connect: holdBack(connectorIn(options), beforeFirstByte),
            pipelining: 0,
            maxHeaderSize: HEAD_MAX_BYTES,
            headersTimeout: 0,
            bodyTimeout: 0,
          }),
      })
      try {
        return await requestAll(agent, url, { ...request, signal })
      } finally {
        request.signal.removeEventListener('abort', breakOff)
        underWay.delete(controller)
        // After an abort undici connects once more, for no request.
        void agent.destroy()
      }
    },
    close() {
      closed = true
      for (const controller of underWay) controller.abort(DAEMON_STOPS)
    },
  }
}

type Connector = buildConnector.connector

/** What undici asks for a tunnel through a proxy. */
function createProxyClient(proxyUrl: URL, connect: Connector): Dispatcher {
  const socksUrl = socksUrlIn(proxyUrl)
  return socksUrl === undefined
    ? new Client(proxyUrl, { connect, headersTimeout: 0 })
    : createSocksTunnels(socksUrl, connect)
}

/** How to connect to an origin: the agent's own way (through a proxy), or with its options. */
function connectorIn(options: object): Connector {
  const { connect } = options as { connect: Connector | buildConnector.BuildOptions }
  return typeof connect === 'function' ? connect : buildConnector(connect)
}

/** Connects as `connect` does, and lets nothing be written before `beforeFirstByte` has resolved. */
function holdBack(
  connect: Connector,
  beforeFirstByte: () => Promise<void> = () => Promise.resolve(),
): Connector {
  return (options, done) => {
    connect(options, (...result) => {
      const [error, socket] = result
      if (error) {
        done(error, null)
        return
      }
      tidyHead(socket)
      beforeFirstByte().then(
        () => {
          // undici writes the request before this returns.
          done(null, socket)
        },
        (reason: unknown) => {
          socket.destroy()
          done(reason instanceof Error ? reason : new Error(String(reason)), null)
        },
      )
    })
  }
}

/** The proxy in the first of these variables that is set; "host:port" is accepted, as in other programs. */
function proxyFrom(env: NodeJS.ProcessEnv, ...names: readonly string[]): string {
  const name = names.find((candidate) => env[candidate])
  const value = name === undefined ? undefined : env[name]
  if (name === undefined || value === undefined) return ''
  const url = value.includes('://') ? value : `http://${value}`
  if (PROXY_URL.test(url) && URL.canParse(url)) return isSocks(url) ? standInFor(url) : url
  // The value may hold a password: the message names the variable only.
  throw new SidecarError('config', `The proxy in $${name} is not a URL that we can use.`, {
    hint: `Set ${name} to something like http://proxy.example:3128, or unset it.`,
  })
}

function noProxy(env: NodeJS.ProcessEnv): string {
  const listed = env.no_proxy ?? env.NO_PROXY ?? ''
  // undici knows "*" only where it stands alone.
  if (listed.split(/[\s,]+/).includes('*')) return '*'
  return listed === '' ? NEVER_PROXIED : `${listed},${NEVER_PROXIED}`
}
