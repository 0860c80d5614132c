/**
 * Listens on the apps' redirect URIs, on loopback and only while sign-ins are pending. A page of
 * another site, or another program, changes nothing and learns nothing.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLoopbackAddress, unbracket } from '../../core/loopback.ts'
import type { Log, RedirectListener, RedirectRequest, SignInPage } from '../../core/ports.ts'
import { ANSWER_HEADERS, renderPage } from './callback-page.ts'
import { atMostOncePerMinute } from './connection-limit.ts'
import { type Lease, LoopbackPorts, PortBusyError, type RedirectLimits } from './loopback-ports.ts'
import type { PeerLookup } from '../../platform/platform.ts'

/** Where the one-time links are; a redirect URI has a path that a person chose, never a random one. */
const OPEN_PATH = '/.well-known/evo-token/'

interface Pending {
  readonly request: RedirectRequest
  readonly host: string
  readonly path: string
  readonly openPath: string
  opened: boolean
  /** The last response that was judged: a browser that repeats it gets the same page. */
  judged?: { readonly search: string; readonly page: Promise<SignInPage> }
}

interface Reply {
  readonly status: number
  readonly page: SignInPage
  readonly headers?: Readonly<Record<string, string>>
}

interface RedirectListenerDeps {
  readonly log: Log
  /** The user id of the daemon. */
  readonly uid: number
  readonly peerOf: PeerLookup
  /** Limits of its servers; defaults to REDIRECT_LIMITS. */
  readonly limits?: RedirectLimits
}

export function createRedirectListener({
  log,
  uid,
  peerOf,
  limits,
}: RedirectListenerDeps): RedirectListener {
  const pendings = new Set<Pending>()
  const onUnguarded = atMostOncePerMinute((err: unknown) => {
    log.error({ err }, 'connections are not guarded against floods of requests')
  })
  const ports = new LoopbackPorts(answer, onUnguarded, limits)

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply
    try {
      reply = await replyTo(incoming, pendings, isForeign)
    } catch (error) {
      log.error({ err: error }, 'a bug in the redirect listener')
      reply = refuse(500, 'Something went wrong', 'The log of evo-token tells more.')
    }
    response.writeHead(reply.status, { ...ANSWER_HEADERS, ...reply.headers })
    response.end(renderPage(reply.page))
  }

  /**
   * Whether the request is from another user of this machine, who may have read an address in the
   * argv of a browser. Root could do all of this through the owner socket as well.
   */
  async function isForeign({ socket }: IncomingMessage): Promise<boolean> {
    const peer = await peerOf(socket)
    if (peer.kind === 'unknown') return false
    if (peer.kind === 'user' && (peer.uid === uid || peer.uid === 0)) return false
    log.warn(
      { peer },
      peer.kind === 'gone'
        ? 'a sign-in page was refused: the connection closed before its user was known'
        : 'a sign-in page was refused to another user of this machine',
    )
    return true
  }

  return {
    async listen(request) {
      const { protocol, hostname, host, port, pathname } = new URL(request.redirectUri)
      const addresses = addressesOf(hostname)
      if (protocol !== 'http:' || !addresses) return { kind: 'remote' }
      const number = Number(port || 80)
      let lease: Lease
      try {
        lease = await ports.acquire(addresses, number)
      } catch (error) {
        if (error instanceof PortBusyError) return { kind: 'busy', port: number }
        throw error
      }
      const openPath = `${OPEN_PATH}${randomBytes(16).toString('base64url')}`
      const pending = { request, host, path: pathname, openPath, opened: false }
      pendings.add(pending)
      return {
        kind: 'listening',
        lease: {
          openUrl: `http://${host}${openPath}`,
          async close() {
            pendings.delete(pending)
            lease.release()
          },
        },
      }
    },
  }
}

async function replyTo(
  incoming: IncomingMessage,
  pendings: ReadonlySet<Pending>,
  isForeign: (incoming: IncomingMessage) => Promise<boolean>,
): Promise<Reply> {
  const { method, headers, url = '' } = incoming
  if (method !== 'GET') {
    return { ...refuse(405, 'Not possible', 'Only GET works here.'), headers: { Allow: 'GET' } }
  }
  // A page of another site that rebound its name to this address still sends that name.
  const here = [...pendings].filter(({ host }) => host === headers.host?.toLowerCase())
  if (here.length === 0) return refuse(421, 'Wrong address', 'Nothing is answered under this name.')
  if (!isNavigation(headers)) {
    return refuse(403, 'Not possible', 'Only a browser that a person opened is answered here.')
  }
  // Compared as it was sent: nothing that only amounts to the right path is the right path.
  const path = url.split('?', 1)[0] ?? ''
  const linked = here.find(({ openPath }) => openPath === path)
  if (linked) return (await isForeign(incoming)) ? FOREIGN : open(linked, incoming)
  const listening = here.filter((pending) => pending.path === path)
  if (listening.length === 0) return refuse(404, 'Not found', 'There is nothing at this address.')
  const target = new URL(`http://${listening[0]?.host ?? ''}${url}`)
  const states = target.searchParams.getAll('state')
  const pending = listening.find(
    ({ request }) => states.length === 1 && request.state === states[0],
  )
  if (!pending) {
    return refuse(
      400,
      'No such sign-in',
      'No sign-in is waiting for this answer. It may have ended meanwhile: start again with "evo-token login".',
    )
  }
  return (await isForeign(incoming)) ? FOREIGN : judge(pending, target)
}

/** A person whose daemon runs as a user of its own pastes the address instead. */
const FOREIGN = refuse(
  403,
  'Another user',
  'Only the user that evo-token runs as is answered here. If this sign-in is yours, paste the address of this page where "evo-token login --no-browser" waits for it.',
)

/** A script's fetch, an image, a frame, a WebSocket (which names no mode): no person has come this way. */
function isNavigation(headers: IncomingMessage['headers']): boolean {
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': dest = 'document' } = headers
  return mode === 'navigate' && dest === 'document' && headers.upgrade === undefined
}

function open(pending: Pending, { headers }: IncomingMessage): Reply {
  // A browser that looks ahead has not been asked to go there yet.
  if (headers['sec-purpose']?.includes('prefetch')) {
    return refuse(503, 'Not now', 'This link is not for looking ahead.')
  }
  if (pending.opened) {
    pending.request.onSecondVisit()
    return refuse(
      410,
      'This link was used before',
      'It works once. If the first visit was not yours, another person or program saw the link: the sign-in was ended, start again with "evo-token login".',
    )
  }
  pending.opened = true
  return {
    status: 302,
    page: { ok: true, title: 'Signing in', text: 'The sign-in page of the server opens.' },
    headers: { Location: pending.request.authorizationUrl },
  }
}

async function judge(pending: Pending, target: URL): Promise<Reply> {
  if (pending.judged?.search !== target.search) {
    pending.judged = { search: target.search, page: pending.request.onCallback(target) }
  }
  const page = await pending.judged.page
  return { status: page.ok ? 200 : 400, page }
}

/** Undefined where the name is not this machine's own: there is nothing to listen on. */
function addressesOf(hostname: string): readonly string[] | undefined {
  if (hostname === 'localhost') return ['127.0.0.1', '::1']
  const address = unbracket(hostname)
  return isLoopbackAddress(address) ? [address] : undefined
}

function refuse(status: number, title: string, text: string): Reply {
  return { status, page: { ok: false, title, text } }
}
