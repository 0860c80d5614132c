/**
 * Listens on the apps' redirect URIs, on loopback, while sign-ins are pending and for a little while
 * after. A page of another site, or another program, changes nothing and learns nothing.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLoopbackAddress, isOutOfReach, unbracket } from '../../core/loopback.ts'
import type { Log } from '../../core/ports.ts'
import type { PortHolder, RedirectLease, RedirectListener } from '../../core/redirect-listener.ts'
import { ANSWER_HEADERS } from './callback-page.ts'
import { atMostOncePerMinute } from './connection-limit.ts'
import {
  type Lease,
  LoopbackPorts,
  PortBusyError,
  PortClosedError,
  type RedirectLimits,
} from './loopback-ports.ts'
import {
  type AwaitedSignIn,
  BUG_REPLY,
  type RedirectReply,
  answerRedirect,
  replyToMalformed,
} from './redirect-answers.ts'
import type { PeerLookup, PortUsersLookup } from '../../platform/platform.ts'

/** The path of the one-time links, without the random part: no redirect URI begins like this. */
const LINK_PATH = '/.well-known/evo-token/'

const LOOPBACK_ADDRESS = '127.0.0.1'

interface RedirectListenerDeps {
  readonly log: Log
  /** The user id of the daemon. */
  readonly uid: number
  readonly peerOf: PeerLookup
  readonly usersOfPort: PortUsersLookup
  /** Limits of its servers; defaults to REDIRECT_LIMITS. */
  readonly limits?: RedirectLimits
}

export function createRedirectListener({
  log,
  uid,
  peerOf,
  usersOfPort,
  limits,
}: RedirectListenerDeps): RedirectListener {
  const awaited = new Set<AwaitedSignIn>()
  const onUnguarded = atMostOncePerMinute((err: unknown) => {
    log.error({ err }, 'connections are not guarded against floods of requests')
  })
  const ports = new LoopbackPorts(
    {
      toRequest: answer,
      toMalformed: (error, port) =>
        replyToMalformed(error, () => {
          for (const { port: own, request, over } of awaited) {
            if (own === port && !over) request.onHttps?.()
          }
        }),
    },
    onUnguarded,
    limits,
  )

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: RedirectReply
    try {
      reply = await answerRedirect(incoming, awaited, isForeign)
    } catch (error) {
      log.error({ err: error }, 'a bug in the redirect listener')
      reply = BUG_REPLY
    }
    response.writeHead(reply.status, { ...ANSWER_HEADERS, ...reply.headers })
    response.end(reply.body)
  }

  /**
   * Whether the request is from another user of this machine, who may have read an address in the
   * argv of a browser. Root could do all of this through the owner socket as well.
   */
  async function isForeign({ socket }: IncomingMessage): Promise<boolean> {
    const peer = await peerOf(socket)
    if (peer.kind === 'unknown') return false
    if (peer.kind === 'user' && !isOther(peer.uid)) return false
    log.warn(
      { peer },
      peer.kind === 'gone'
        ? 'a sign-in page was refused: the connection closed before its user was known'
        : 'a sign-in page was refused to another user of this machine',
    )
    return true
  }

  function isOther(user: number): boolean {
    return user !== uid && user !== 0
  }

  /** Whose program has `port`: where the browser would deliver its response. */
  async function holderOf(port: number, addresses: readonly string[]): Promise<PortHolder> {
    const users = await usersOfPort(port, addresses)
    if (users.length === 0) return 'unknown'
    return users.some(isOther) ? 'other' : 'own'
  }

  /** @param linkHosts `Host`s of the one-time link, the best one first. */
  function awaitBrowser(
    signIn: Omit<AwaitedSignIn, 'link' | 'opened' | 'over'>,
    linkHosts: readonly [string, ...string[]],
    lease: Lease,
  ): RedirectLease {
    const path = `${LINK_PATH}${randomBytes(16).toString('base64url')}`
    const entry = { ...signIn, link: { path, hosts: linkHosts }, opened: false, over: false }
    awaited.add(entry)
    return {
      openUrl: `http://${linkHosts[0]}${path}`,
      conclude() {
        entry.over = true
      },
      close() {
        awaited.delete(entry)
        lease.release()
      },
    }
  }

  return {
    async listen(request) {
      const url = new URL(request.redirectUri)
      const addresses = listenAddresses(url.hostname)
      if (url.protocol !== 'http:' || !addresses) return { kind: 'remote' }
      const port = Number(url.port || 80)
      if (isOutOfReach(port)) return { kind: 'closed' }
      const acquired = await acquireIfOpen(ports, addresses, port)
      if (typeof acquired === 'string') {
        const holder = await holderOf(port, addresses)
        // A program may have a port that we may not open.
        const isFree = acquired === 'closed' && holder === 'unknown'
        return isFree ? { kind: 'closed' } : { kind: 'busy', port, holder }
      }
      const callback = { host: url.host, path: url.pathname }
      const lease = awaitBrowser({ request, port, callback }, linkHostsOf(url, acquired), acquired)
      return { kind: 'listening', lease }
    },

    async listenForLink(request) {
      const lease = await ports.acquire([LOOPBACK_ADDRESS], 0)
      return awaitBrowser(
        { request, port: lease.port },
        [`${LOOPBACK_ADDRESS}:${lease.port}`],
        lease,
      )
    },

    ports: () => [...new Set([...awaited].flatMap((one) => (one.callback ? [one.port] : [])))],
  }
}

async function acquireIfOpen(
  ports: LoopbackPorts,
  addresses: readonly string[],
  port: number,
): Promise<Lease | 'busy' | 'closed'> {
  try {
    return await ports.acquire(addresses, port)
  } catch (error) {
    if (error instanceof PortBusyError) return 'busy'
    if (error instanceof PortClosedError) return 'closed'
    throw error
  }
}

/**
 * The link uses the address where that works: a service worker that a development server left behind on
 * `localhost` would answer for that name, and take the link.
 */
function linkHostsOf(redirectUri: URL, { addresses }: Lease): readonly [string, ...string[]] {
  if (redirectUri.hostname !== 'localhost' || !addresses.includes(LOOPBACK_ADDRESS)) {
    return [redirectUri.host]
  }
  const byAddress = new URL(redirectUri)
  byAddress.hostname = LOOPBACK_ADDRESS
  return [byAddress.host, redirectUri.host]
}

/** Undefined where the name is not this machine's own: there is nothing to listen on. */
function listenAddresses(hostname: string): readonly string[] | undefined {
  if (hostname === 'localhost') return [LOOPBACK_ADDRESS, '::1']
  const address = unbracket(hostname)
  return isLoopbackAddress(address) ? [address] : undefined
}
