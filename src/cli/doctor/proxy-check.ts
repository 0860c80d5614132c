/** Checks whether the proxies of the environment can be used, and whether they catch requests to the daemon. */
import { createIssuerFetch, type IssuerFetchOptions } from '../../adapters/server/issuer-fetch.ts'
import type { Check } from './checks.ts'

type IssuerConnections = ReturnType<typeof createIssuerFetch>

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const

/** The variable's value; the lower-case spelling goes first, as everywhere. */
function readVariable(env: NodeJS.ProcessEnv, name: (typeof PROXY_VARIABLES)[number]): string {
  return (env[name.toLowerCase()] ?? env[name]) || ''
}

/** The proxy for URLs of this protocol, whatever NO_PROXY says; empty where there is none. */
export function proxyOf(env: NodeJS.ProcessEnv, protocol: string): string {
  return readVariable(env, protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
}

/** Passes a `fetch` to `found`: the daemon's own, if the daemon has the same environment. */
export function proxyCheck(
  { env, ca }: { readonly env: NodeJS.ProcessEnv; readonly ca: string | undefined },
  found: (issuers: IssuerConnections) => void,
): Check {
  return {
    id: 'proxy',
    async run() {
      const options: IssuerFetchOptions = { env, ...(ca !== undefined && { ca }) }
      found(createIssuerFetch(options))
      const set = PROXY_VARIABLES.filter((name) => readVariable(env, name))
      if (set.length === 0) return 'none is set'
      const spared = readVariable(env, 'NO_PROXY').split(/[\s,]+/)
      const catchesUs =
        set.includes('HTTP_PROXY') && !['*', '127.0.0.1'].some((one) => spared.includes(one))
      // Our own programs use no proxy for the daemon; curl and others do.
      const warning = catchesUs
        ? '; NO_PROXY does not name 127.0.0.1, so that other programs would send it what is for the daemon'
        : ''
      return `${set.join(', ')}${warning}`
    },
  }
}
