/** Checks, step by step, whether an authorization server can be reached, and what it publishes. */
import { lookup } from 'node:dns/promises'
import { discover } from '../../adapters/server/discovery.ts'
import type { IssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { describeFault } from '../../adapters/server/issuer-fault.ts'
import { createTimeLimits } from '../../adapters/server/time-limit.ts'
import type { App } from '../../core/app.ts'
import { EVO_ISSUER } from '../../config/evo.ts'
import { checkFault, type Check } from './checks.ts'
import { proxyOf } from './proxy-check.ts'

const ISSUER_TIMEOUT_MS = 15_000

/** A difference of less than a minute harms nothing: a token lives for an hour. */
const CLOCK_TOLERANCE_MS = 60_000

export interface IssuerWorld {
  readonly fetch: IssuerFetch
  readonly env: NodeJS.ProcessEnv
  readonly now: () => number
}

/** The URL that these checks request: the same for all apps of an issuer whose endpoints are discovered. */
export function issuerUrl({ endpoints, issuer }: App): URL {
  const metadata = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return new URL(endpoints.token ?? metadata)
}

export function issuerChecks(app: App, { fetch, env, now }: IssuerWorld): Check[] {
  const { host, hostname, href, protocol } = issuerUrl(app)
  let date: string | null = null
  const checks: Check[] = [
    {
      id: 'dns',
      async run() {
        try {
          await lookup(hostname.replace(/^\[|\]$/g, ''))
          return `${hostname} has an address`
        } catch (error) {
          if (proxyOf(env, protocol)) return `${hostname} is left to the proxy`
          const { code = 'error' } = error as NodeJS.ErrnoException
          throw checkFault(
            `${hostname} has no address (${code}).`,
            'See that this machine is online, and that the issuer in the config is spelt right; behind a proxy, set HTTPS_PROXY for the daemon.',
          )
        }
      },
    },
    {
      id: protocol === 'https:' ? 'tls' : 'http',
      async run() {
        try {
          const signal = AbortSignal.timeout(ISSUER_TIMEOUT_MS)
          const headers = { accept: 'application/json' }
          const answer = await fetch(href, { method: 'GET', headers, signal })
          date = answer.headers.get('date')
          if (answer.fault) throw answer.fault
        } catch (error) {
          const way = proxyOf(env, protocol)
            ? ` It is asked through a proxy: NO_PROXY names hosts that need none.`
            : ''
          throw checkFault(
            describeFault(error, href).message,
            `See that this machine reaches ${host}; "ca" in the config names a company's own certificates.${way}`,
          )
        }
        return `${host} answers`
      },
    },
    {
      id: 'clock',
      async run() {
        const server = Date.parse(date ?? '')
        if (Number.isNaN(server)) return `${host} does not say what time it is`
        const off = Math.round((now() - server) / 1000)
        if (Math.abs(off) * 1000 <= CLOCK_TOLERANCE_MS) {
          return `this machine and ${host} agree to within a minute`
        }
        const how = off > 0 ? 'ahead of' : 'behind'
        throw checkFault(
          `The clock of this machine is ${Math.abs(off)} seconds ${how} that of ${host}.`,
          'Set it, or let the system do so (`timedatectl set-ntp true`).',
        )
      },
    },
  ]
  if (app.endpoints.token === undefined) {
    checks.push({ id: 'metadata', run: () => metadataOf(app, fetch, now) })
  }
  return checks
}

async function metadataOf(app: App, fetch: IssuerFetch, now: () => number): Promise<string> {
  const startTimeLimit = createTimeLimits({
    read: () => ({ wall: Date.now(), mono: performance.now() }),
  })
  const options = { fetch, now, startTimeLimit, timeoutMs: ISSUER_TIMEOUT_MS }
  const found = await discover(app.issuer, options)
  if (found.kind === 'found') return 'it publishes where its endpoints are'
  if (app.issuer === EVO_ISSUER) return 'it publishes none now; those of Evo are built in'
  throw checkFault(
    found.failure.message,
    `See that "issuer" is right; else name "tokenEndpoint" of "${app.name}" in the config.`,
  )
}
