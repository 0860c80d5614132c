/**
 * Listens for the page on a port of its own, of 127.0.0.1 alone. Serves its files and the one-time link;
 * everything else is for the endpoint of the page's door. Other users of the machine get nothing.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Log } from '../../core/ports.ts'
import type { PeerLookup } from '../../platform/platform.ts'
import { isForWorker, isLookingAhead, isNavigation, isWorkerScript } from './browser-request.ts'
import {
  createEndpointServer,
  type HttpEndpoint,
  prepareEndpoint,
  SERVER_LIMITS,
} from './endpoint-server.ts'
import { stopServers } from './listener-stop.ts'
import type { PageFile, PageFiles } from './page-files.ts'

/** Where the one-time links are. */
const OPEN_PATH = '/open/'

/** A browser also sends the cookies of all other programs on this address, whatever their port. */
const PAGE_LIMITS = { ...SERVER_LIMITS, maxHeaderSize: 256 * 1024 }

/** Far more than the tabs of a person open; each may have headers of that size. */
const PAGE_CONNECTIONS_MAX = 256

export interface PageListenerOptions {
  readonly files: PageFiles
  /** What answers the requests of the page. Called once, when the port is known. */
  readonly endpointAt: (origin: string) => HttpEndpoint
  /** The result of opening a link: a key, or why there is none. */
  readonly redeem: (
    link: string,
  ) => { readonly kind: 'key'; readonly key: string } | { readonly kind: 'used' | 'unknown' }
  /** The user id of the daemon. */
  readonly uid: number
  readonly peerOf: PeerLookup
  readonly answerToMalformed: (error: Error) => string
  readonly log: Log
}

export interface PageListener {
  readonly origin: string
  /** The address that a browser opens. */
  linkTo(link: string): string
  stop(): Promise<void>
}

export async function listenForPage(options: PageListenerOptions): Promise<PageListener> {
  const { uid, peerOf, log } = options
  const server = createEndpointServer({ ...options, limits: PAGE_LIMITS })
  server.server.listen({ host: '127.0.0.1', port: 0 })
  await once(server.server, 'listening')
  const origin = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`
  const endpoint = options.endpointAt(origin)
  const own = new WeakSet<Socket>()

  /** Root could do all of this through the owner socket as well. */
  async function isForeign(socket: Socket): Promise<boolean> {
    const peer = await peerOf(socket)
    if (peer.kind === 'unknown') return false
    if (peer.kind === 'user' && (peer.uid === uid || peer.uid === 0)) return false
    log.warn({ peer }, 'the page was refused to another user of this machine')
    return true
  }

  function answer(request: IncomingMessage, response: ServerResponse): string | undefined {
    const reply = choosePageReply(request, origin, options)
    if (reply === 'endpoint') return endpoint(request, response)
    sendPageReply(response, reply)
    return undefined
  }

  const guarded = (request: IncomingMessage, response: ServerResponse): string | undefined => {
    const { socket } = request
    if (own.has(socket)) return answer(request, response)
    isForeign(socket)
      .then((foreign) => {
        if (!foreign) own.add(socket)
        if (foreign) sendPageReply(response, refusePage(options.files, 403, ...ANOTHER_USER))
        const caller = foreign ? undefined : answer(request, response)
        if (caller === undefined) served.unauthenticated.trackAnswer(request, response)
      })
      .catch((error: unknown) => {
        log.error({ err: error }, 'a bug in the listener of the page')
        response.destroy()
      })
    return undefined
  }
  const served = prepareEndpoint(
    Object.assign(guarded, {
      app: endpoint.app,
      turnAway: (response: ServerResponse) => {
        endpoint.turnAway(response)
      },
    }),
    log,
    PAGE_CONNECTIONS_MAX,
  )
  server.serve(served)
  return {
    origin,
    linkTo: (link) => `${origin}${OPEN_PATH}${link}`,
    stop: () => stopServers([server], 0),
  }
}

interface PageReply {
  readonly status: number
  readonly file: PageFile
}

const ANOTHER_USER = [
  'Another user',
  'Only the user that evo-token runs as is answered here.',
] as const

function choosePageReply(
  { headers, method, url = '' }: IncomingMessage,
  origin: string,
  { files, redeem }: PageListenerOptions,
): PageReply | 'endpoint' {
  const path = url.split('?', 1)[0] ?? ''
  const isLink = path.startsWith(OPEN_PATH)
  const asset = isAsset(path) ? files[path] : undefined
  const isWorker = isWorkerScript(headers)
  if (path !== '/' && !asset && !isLink && !isWorker) return 'endpoint'
  if (headers.host !== new URL(origin).host) {
    return refusePage(files, 421, 'Wrong address', 'Nothing is answered under this name.')
  }
  if (method !== 'GET') return refusePage(files, 405, 'Not possible', 'Only GET works here.')
  if (isWorker) return { status: 200, file: files.workerRemoval }
  const { 'sec-fetch-site': site } = headers
  if (asset) {
    // Only our page loads them.
    if (site !== 'same-origin') return refusePage(files, 403, ...NOT_FOR_PROGRAMS)
    return { status: 200, file: asset }
  }
  if (!isNavigation(headers)) return refusePage(files, 403, ...NOT_FOR_PROGRAMS)
  if (!isLink) {
    // F5, or an address that a person typed; links on other sites are refused.
    const isOwn = site === undefined || site === 'none' || site === 'same-origin'
    return isOwn ? { status: 200, file: files.page() } : refusePage(files, 403, ...NOT_FOR_PROGRAMS)
  }
  // No page of ours leads to a link: a worker or a page that another program left here has it open.
  if (site === 'same-origin' || isForWorker(headers)) return refusePage(files, 403, ...INTERCEPTED)
  // A browser that looks ahead has not been asked to go there yet.
  if (isLookingAhead(headers)) {
    return refusePage(files, 503, 'Not now', 'This link cannot be preloaded.')
  }
  const redeemed = redeem(path.slice(OPEN_PATH.length))
  switch (redeemed.kind) {
    case 'key':
      return { status: 200, file: files.page(redeemed.key) }
    case 'used':
      return refusePage(
        files,
        410,
        'This link was used before',
        'It works once. If the first visit was not yours, another program saw the link: what it opened has ended now. Open the page again with <code>evo-token web</code>.',
      )
    case 'unknown':
      return refusePage(
        files,
        404,
        'This link has ended',
        'Open the page again with <code>evo-token web</code>.',
      )
  }
}

function isAsset(path: string): path is '/page.js' | '/page.css' | '/icon.svg' {
  return path === '/page.js' || path === '/page.css' || path === '/icon.svg'
}

const INTERCEPTED = [
  'Another program answered first',
  'A web page or a service worker that another program left at this address had this link. It was given no key. Open the page again with <code>evo-token web</code>.',
] as const

const NOT_FOR_PROGRAMS = ['Not possible', 'Only the page of evo-token is answered here.'] as const

function refusePage(files: PageFiles, status: number, title: string, text: string): PageReply {
  return { status, file: files.refusal(title, text) }
}

function sendPageReply(
  response: ServerResponse,
  { status, file: { headers, body } }: PageReply,
): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
