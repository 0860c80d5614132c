/** Warns of redirect URIs that a browser cannot come back to: they only work with a pasted address. */
import type { App } from '../core/app.ts'
import { isLoopbackHost, isOutOfReach } from '../core/loopback.ts'
import { type ConfigFault, showPath } from './faults.ts'

const MUST_PASTE = 'after a sign-in the address that the browser ends on has to be pasted'

/** Linux and macOS keep the ports below for root. */
const FIRST_FREE_PORT = 1024

/** @param ownPort the one on which the daemon serves tokens. */
export function redirectWarnings({ name, redirectUris }: App, ownPort: number): ConfigFault[] {
  return redirectUris.flatMap((uri, at) =>
    whatIsWrongWith(new URL(uri), ownPort).map((message) => ({
      path: showPath(['apps', name, 'redirectUris', at]),
      message,
    })),
  )
}

/** Never shows the URI: it may have a password in it. */
function whatIsWrongWith(uri: URL, ownPort: number): string[] {
  const unserved = whyUnserved(uri, ownPort)
  return [
    ...(uri.username || uri.password
      ? [
          'has a user name or password in it: browsers drop them, and a server compares the whole URI',
        ]
      : []),
    ...(unserved === undefined ? [] : [`${unserved}: ${MUST_PASTE}`]),
    ...(RESPONSE_PARAMETERS.some((parameter) => uri.searchParams.has(parameter))
      ? ["has a parameter in it that is also one of the server's answer, which is refused then"]
      : []),
  ]
}

/** Parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207). */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error']

/** Why the daemon cannot listen there, as the end of a sentence about the URI; undefined where it can. */
export function whyUnserved(
  { protocol, hostname, port }: URL,
  ownPort: number,
): string | undefined {
  if (protocol === 'https:' && isLoopbackHost(hostname)) {
    return 'is https:, and the daemon has no certificate to answer with'
  }
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not an address of this machine'
  if (!isLoopbackHost(hostname)) {
    return 'is on another machine than "localhost", 127.0.0.1 or [::1]'
  }
  const number = Number(port || 80)
  if (number === 0) return 'has port 0, which no program can listen on'
  if (number === ownPort) return `has port ${number}, on which the daemon serves tokens ("listen")`
  if (isOutOfReach(number)) return `has port ${number}, which browsers block`
  return number < FIRST_FREE_PORT
    ? `has port ${number}, which only root may listen on as a rule`
    : undefined
}
