/** Whether the authorization server of an app can be used from here. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { discover } from '../../adapters/server/discovery.ts'
import type { IssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { describeFault } from '../../adapters/server/issuer-fault.ts'
import { createTimeLimits } from '../../adapters/server/time-limit.ts'
import type { App } from '../../core/app.ts'
import { EVO_ISSUER } from '../../config/evo.ts'
import { appPath, type Client } from '../../client/connection.ts'
import { broken, type Rung } from './ladder.ts'

const TIMEOUT_MS = 15_000

/** Servers and we bear with a little; a token's life is an hour. */
const CLOCK_TOLERANCE_MS = 60_000

export interface IssuerWorld {
  readonly fetch: IssuerFetch
  readonly env: NodeJS.ProcessEnv
  readonly now: () => number
  readonly client: Client
}

export function issuerRungs(app: App, { fetch, env, now, client }: IssuerWorld): Rung[] {
  const url =
    app.endpoints.token ?? `${app.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { host } = new URL(url)
  let date: string | null = null
  const rungs: Rung[] = [
    {
      id: 'issuer',
      async check() {
        const signal = AbortSignal.timeout(TIMEOUT_MS)
        try {
          const headers = { accept: 'application/json' }
          const answer = await fetch(url, { method: 'GET', headers, redirect: 'manual', signal })
          date = answer.headers.get('date')
          await answer.body?.[Symbol.asyncIterator]().return?.()
        } catch (error) {
          const proxy = env.https_proxy ?? env.HTTPS_PROXY
          const way = proxy ? ' HTTPS_PROXY is set: NO_PROXY names hosts that need none.' : ''
          throw broken(
            describeFault(error, url).message,
            `See that this machine reaches ${host}; "ca" in the config names a company's own certificates.${way}`,
          )
        }
        return `${host} answers`
      },
    },
    {
      id: 'clock',
      check() {
        const server = Date.parse(date ?? '')
        if (Number.isNaN(server)) return Promise.resolve(`${host} does not say what time it is`)
        const off = Math.round((now() - server) / 1000)
        if (Math.abs(off) * 1000 <= CLOCK_TOLERANCE_MS) {
          return Promise.resolve(`this machine and ${host} agree to within a minute`)
        }
        const how = off > 0 ? 'ahead of' : 'behind'
        throw broken(
          `The clock of this machine is ${Math.abs(off)} seconds ${how} that of ${host}.`,
          'Set it, or let the system do so (`timedatectl set-ntp true`).',
        )
      },
    },
  ]
  if (app.endpoints.token === undefined) {
    rungs.push({
      id: 'metadata',
      async check() {
        const startTimeLimit = createTimeLimits({
          read: () => ({ wall: Date.now(), mono: performance.now() }),
        })
        const options = { fetch, now, startTimeLimit, timeoutMs: TIMEOUT_MS }
        const found = await discover(app.issuer, options)
        if (found.kind === 'found') return 'it publishes where its endpoints are'
        if (app.issuer === EVO_ISSUER) return 'it publishes none now; those of Evo are built in'
        throw broken(
          found.failure.message,
          `See that "issuer" is right; else name "tokenEndpoint" of "${app.name}" in the config.`,
        )
      },
    })
  }
  if (app.redirectUris.length > 0) {
    rungs.push({ id: 'redirect-uri', check: () => usableRedirectUri(app, client) })
  }
  return rungs
}

/** The browser comes back to one of them: its port has to be free when somebody signs in. */
async function usableRedirectUri({ name, redirectUris }: App, client: Client): Promise<string> {
  for (const uri of redirectUris) {
    const { hostname, port, protocol } = new URL(uri)
    const host = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '')
    if (host !== '::1' && !host.startsWith('127.'))
      return `${uri} is not on this machine: paste what it ends on`
    if (await isFree(host, Number(port || (protocol === 'https:' ? 443 : 80))))
      return `${uri} is free`
  }
  const { session } = await client.ask({ path: appPath(name) })
  if (session !== 'signed-out') return 'its port is taken, which matters at the next sign-in'
  throw broken(
    `The port of ${redirectUris.join(' and of ')} is taken.`,
    'End the program that holds it (a sign-in that waits is one), or register another redirect URI and add it to "redirectUris".',
  )
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host, port })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    // Whatever the reason is, a sign-in would meet it too.
    return false
  }
}
