/**
 * What is answered on the redirect ports: the one-time links, the responses of authorization servers,
 * and a page of ours for everything else, which changes nothing.
 */
import type { IncomingMessage } from 'node:http'
import type { RedirectRequest, SignInPage } from '../../core/redirect-listener.ts'
import {
  isLookingAhead,
  isNavigation,
  isTlsHello,
  isWorkerScript,
  TLS_REFUSAL,
} from './browser-request.ts'
import { renderPage, renderResponse } from './callback-page.ts'
import type { MalformedError } from './loopback-ports.ts'
import { WORKER_REMOVAL } from './worker-removal.ts'

/** A sign-in that waits for a browser. */
export interface AwaitedSignIn {
  readonly request: RedirectRequest
  readonly port: number
  /** The path of the one-time link, and the `Host`s under which it is answered. */
  readonly link: { readonly path: string; readonly hosts: readonly string[] }
  /** Where its response is answered; absent where another program has that port. */
  readonly callback?: { readonly host: string; readonly path: string }
  opened: boolean
  /** The sign-in is over: the only thing left to do is to repeat a page that was shown. */
  over: boolean
  /** The last response that was judged: a browser that repeats it gets the same page. */
  judged?: { readonly search: string; readonly page: Promise<SignInPage> }
}

export interface RedirectReply {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function answerRedirect(
  incoming: IncomingMessage,
  awaited: ReadonlySet<AwaitedSignIn>,
  isForeign: (incoming: IncomingMessage) => Promise<boolean>,
): Promise<RedirectReply> {
  const { method, headers, url = '' } = incoming
  if (method !== 'GET') {
    return {
      ...refuseRedirect(405, 'Not possible', 'Only GET works here.'),
      headers: { Allow: 'GET' },
    }
  }
  // Compared as it was sent, without normalization.
  const path = url.split('?', 1)[0] ?? ''
  // A page of another site that rebound its name to this address still sends that name.
  const host = headers.host?.toLowerCase() ?? ''
  const all = [...awaited]
  const linked = all.find(({ link }) => link.path === path && link.hosts.includes(host))
  const here = all.filter(({ callback }) => callback?.host === host)
  if (!linked && here.length === 0) {
    return refuseRedirect(421, 'Wrong address', 'Nothing is answered under this name.')
  }
  if (isWorkerScript(headers)) return WORKER_REMOVAL_REPLY
  if (!isNavigation(headers)) {
    return refuseRedirect(
      403,
      'Not possible',
      'Only a browser that a person opened is answered here.',
    )
  }
  if (isLookingAhead(headers)) {
    return refuseRedirect(503, 'Not now', 'This address cannot be preloaded.')
  }
  if (linked) return (await isForeign(incoming)) ? FOREIGN_REPLY : openSignIn(linked)
  const listening = here.filter(({ callback }) => callback?.path === path)
  if (listening.length === 0)
    return refuseRedirect(404, 'Not found', 'There is nothing at this address.')
  const target = new URL(`http://${host}${url}`)
  const states = target.searchParams.getAll('state')
  const found = listening.find(({ request }) => states.length === 1 && request.state === states[0])
  if (!found) {
    return refuseRedirect(
      400,
      'No such sign-in',
      'No sign-in is waiting for this answer. It may have ended meanwhile: start again with "evo-token login".',
    )
  }
  return (await isForeign(incoming)) ? FOREIGN_REPLY : judgeCallback(found, target)
}

/** The whole answer to bytes that are no request. @param onHttps called where a browser tries https:. */
export function replyToMalformed(
  { code, rawPacket }: MalformedError,
  onHttps: () => void,
): string | Uint8Array {
  if (isTlsHello(rawPacket)) {
    onHttps()
    return TLS_REFUSAL
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return renderResponse(431, {
      ok: false,
      title: 'Too many cookies',
      text: `Your browser sends the cookies of all programs that ever ran on this address along, and they are too many. Paste the address of this page where "evo-token login" waits for it; or delete the browser's cookies for localhost, and load this page again.`,
    })
  }
  const status = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const text = 'What came was not a request that a browser sends.'
  return renderResponse(status, { ok: false, title: 'Not understood', text })
}

/** For a bug of ours. */
export const BUG_REPLY = refuseRedirect(
  500,
  'Something went wrong',
  'The log of evo-token has the details.',
)

const WORKER_REMOVAL_REPLY: RedirectReply = {
  status: 200,
  body: WORKER_REMOVAL,
  headers: { 'Content-Type': 'text/javascript; charset=utf-8' },
}

/** Where the daemon runs as a user of its own, the person pastes the address instead. */
const FOREIGN_REPLY = refuseRedirect(
  403,
  'Another user',
  'Only the user that evo-token runs as is answered here. If this sign-in is yours, paste the address of this page where "evo-token login" waits for it.',
)

const OVER_REPLY = refuseRedirect(
  410,
  'This sign-in has ended',
  'This link no longer works. To sign in again, start with "evo-token login".',
)

function openSignIn(signIn: AwaitedSignIn): RedirectReply {
  if (signIn.over) return OVER_REPLY
  if (signIn.opened) {
    signIn.request.onSecondVisit()
    return refuseRedirect(
      410,
      'This link was used before',
      'It works once. If the first visit was not yours, another person or program saw the link: the sign-in was ended, start again with "evo-token login".',
    )
  }
  signIn.opened = true
  signIn.request.onVisit?.()
  const page = { ok: true, title: 'Signing in', text: 'The sign-in page of the server opens.' }
  return {
    status: 302,
    body: renderPage(page),
    headers: { Location: signIn.request.authorizationUrl },
  }
}

async function judgeCallback(signIn: AwaitedSignIn, target: URL): Promise<RedirectReply> {
  const { request } = signIn
  if (signIn.judged?.search !== target.search) {
    request.onVisit?.()
    signIn.judged = { search: target.search, page: request.onCallback(target) }
  }
  const page = await signIn.judged.page
  return { status: page.ok ? 200 : 400, body: renderPage(page) }
}

function refuseRedirect(status: number, title: string, text: string): RedirectReply {
  return { status, body: renderPage({ ok: false, title, text }) }
}
