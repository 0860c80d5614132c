/** Explains why a `fetch` of an authorization server failed, and whether the request may have arrived. */

export interface Fault {
  readonly message: string
  /** Whether the request may have arrived all the same. */
  readonly maybeArrived: boolean
}

/** There was no connection to write to. */
const NO_CONNECTION = new Set([
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
])

/** The certificate is not trusted, or the other side does not speak TLS: nothing was sent to it. */
const UNTRUSTED_CODE =
  /^(CERT_|CRL_|DEPTH_ZERO|ERR_TLS_CERT|HOSTNAME_MISMATCH|SELF_SIGNED|UNABLE_TO_)/

/** Where a connection ends that never came about: DNS, TCP. */
const BEFORE_CONNECTION = new Set<unknown>(['getaddrinfo', 'connect'])

const NO_TLS = /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/

/**
 * What a rejection of `fetch(url)` means. An error that the network did not cause is a bug of ours, and
 * thrown again.
 */
export function describeFault(error: unknown, url: string): Fault {
  const { host } = new URL(url)
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return { message: `${host} did not answer in time.`, maybeArrived: true }
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { message: `The daemon stopped before ${host} answered.`, maybeArrived: true }
  }
  // fetch reports network errors as a TypeError with a cause, and wrong arguments as one without.
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) throw error
  const cause = findInnermost(error.cause)
  const code = codeOrMessageOf(cause)
  if (cause.message.startsWith('Proxy response (')) {
    const status = /\d+/.exec(cause.message)?.[0] ?? 'unknown'
    return { message: `The proxy refused to connect to ${host} (${status}).`, maybeArrived: false }
  }
  if (/^(UND_ERR_)?SOCKS5/.test(code)) {
    const message = `The SOCKS proxy did not connect to ${host} (${cause.message}).`
    return { message, maybeArrived: false }
  }
  if (UNTRUSTED_CODE.test(code)) {
    return {
      message: `The certificate of ${host} is not trusted (${code}); "ca" in the config names more to trust.`,
      maybeArrived: false,
    }
  }
  if (NO_TLS.test(code)) {
    return { message: `${host} does not speak TLS (${code}).`, maybeArrived: false }
  }
  if (NO_CONNECTION.has(code) || BEFORE_CONNECTION.has(syscallOf(cause))) {
    return { message: `${host} cannot be reached (${code}).`, maybeArrived: false }
  }
  return { message: `The connection to ${host} broke (${code}).`, maybeArrived: true }
}

function findInnermost(error: Error): Error {
  // Of the addresses of a host, each has failed in its way.
  const one: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  if (one instanceof Error) return findInnermost(one)
  return error.cause instanceof Error ? findInnermost(error.cause) : error
}

function codeOrMessageOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function syscallOf(error: Error): unknown {
  return 'syscall' in error ? error.syscall : undefined
}
