/** Warns of redirect URIs that a browser cannot come back to: they work by a pasted address alone. */
import type { App } from '../core/app.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { type ConfigFault, showPath } from './faults.ts'

const PASTED = 'after a sign-in the address that the browser ends on has to be pasted'

/** Linux and macOS keep the ports below for root. */
const FIRST_FREE_PORT = 1024

export function redirectWarnings({ name, redirectUris }: App): ConfigFault[] {
  return redirectUris.flatMap((uri, at) =>
    whatIsWrongWith(new URL(uri)).map((message) => ({
      path: showPath(['apps', name, 'redirectUris', at]),
      message,
    })),
  )
}

/** Never shows the URI: it may have a password in it. */
function whatIsWrongWith(uri: URL): string[] {
  const unserved = whyUnserved(uri)
  return [
    ...(uri.username || uri.password
      ? [
          'has a user name or password in it: browsers drop them, and a server compares the whole URI',
        ]
      : []),
    ...(unserved === undefined ? [] : [`${unserved}: ${PASTED}`]),
  ]
}

/** Undefined where the daemon can listen there. */
function whyUnserved({ protocol, hostname, port }: URL): string | undefined {
  if (protocol === 'https:' && isLoopbackHost(hostname)) {
    return 'is https:, and the daemon has no certificate to answer with'
  }
  if (protocol !== 'http:' && protocol !== 'https:') return 'is no address of this machine'
  if (!isLoopbackHost(hostname)) return 'is on another machine'
  const number = Number(port || 80)
  if (number === 0) return 'has port 0, which no program can listen on'
  return number < FIRST_FREE_PORT
    ? `has port ${number}, which only root may listen on as a rule`
    : undefined
}
