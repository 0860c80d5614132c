/** Signing in with a browser: on this machine by the redirect URI, on another by a pasted URL. */
import type { AuthorizationRequest } from '../core/authorization-server.ts'
import type {
  BusyPort,
  RedirectListener,
  RedirectRequest,
  SignInPage,
} from '../core/redirect-listener.ts'
import type { SignInStatus, StartedSignIn } from '../core/status.ts'
import { SidecarError } from '../errors.ts'
import type { PendingSignIn } from './pending-sign-in.ts'
import { failed } from './sign-in.ts'
import { valueOf } from './sign-in-errors.ts'

/** How a browser gets to the authorization server, and back. */
type Ways = Pick<
  Extract<StartedSignIn, { method: 'browser' }>,
  'authorizationUrl' | 'openUrl' | 'listening' | 'busy'
>

/**
 * Makes the authorization request and listens for its response on the first redirect URI that is free.
 * Where none is, the person pastes the address that the browser ends on.
 *
 * @throws {SidecarError} `misconfigured`, `unavailable`.
 */
export async function startInBrowser(
  signIn: PendingSignIn,
  listener: RedirectListener,
): Promise<Ways> {
  const { app } = signIn.managedApp.state
  const busy: { readonly request: AuthorizationRequest; readonly port: BusyPort }[] = []
  const closed: AuthorizationRequest[] = []
  for (const redirectUri of app.redirectUris) {
    const request = await authorize(signIn, redirectUri)
    const listening = await listener.listen(toRedirectRequest(signIn, request))
    if (listening.kind === 'listening') {
      const { lease } = listening
      signIn.way = { method: 'browser', request, lease }
      const { openUrl } = lease
      return { authorizationUrl: request.url, openUrl, listening: true, busy: null }
    }
    if (listening.kind === 'busy') {
      const { port, holder } = listening
      busy.push({ request, port: { port, holder } })
    } else if (listening.kind === 'closed') {
      closed.push(request)
    } else {
      return startByHand(signIn, request)
    }
  }
  const best = busy.find(({ port }) => port.holder === 'own') ?? busy[0]
  if (best) return startWithoutReturn(signIn, best, listener)
  const [request] = closed
  if (!request) throw noRedirectUri(app.name)
  return startByHand(signIn, request)
}

/** Nothing of ours is on the browser's way: the person opens the address, and pastes the one at the end. */
function startByHand(signIn: PendingSignIn, request: AuthorizationRequest): Ways {
  signIn.way = { method: 'browser', request }
  return { authorizationUrl: request.url, openUrl: null, listening: false, busy: null }
}

/**
 * The browser delivers its response to the program that has the port. It cannot use the code, which
 * only we can redeem (RFC 7636); still, no browser is sent to what may be another user's program.
 */
async function startWithoutReturn(
  signIn: PendingSignIn,
  { request, port }: { readonly request: AuthorizationRequest; readonly port: BusyPort },
  listener: RedirectListener,
): Promise<Ways> {
  const lease =
    port.holder === 'own'
      ? { lease: await listener.listenForLink(toRedirectRequest(signIn, request)) }
      : {}
  signIn.way = { method: 'browser', request, ...lease }
  return {
    authorizationUrl: request.url,
    openUrl: lease.lease?.openUrl ?? null,
    listening: false,
    busy: port,
  }
}

async function authorize(
  { managedApp, switchUser }: PendingSignIn,
  redirectUri: string,
): Promise<AuthorizationRequest> {
  const { server } = managedApp.state.registration
  return valueOf(await server.authorize(redirectUri, { switchUser }))
}

function toRedirectRequest(
  signIn: PendingSignIn,
  { redirectUri, state, url }: AuthorizationRequest,
): RedirectRequest {
  return {
    redirectUri,
    state,
    authorizationUrl: url,
    onCallback: (callback) => redeemCallback(signIn, callback),
    onVisit: () => {
      signIn.noteVisit()
    },
    onSecondVisit: () => {
      signIn.abandon(failed('link_reused', LINK_REUSED))
    },
    onHttps: () => {
      signIn.noteHttps()
    },
  }
}

/** What the person is told whose browser brought `callback`. */
export async function redeemCallback(signIn: PendingSignIn, callback: URL): Promise<SignInPage> {
  const { managedApp: managed, way } = signIn
  if (signIn.busy || !signIn.pending || way?.method !== 'browser') return ALREADY_USED
  const { server } = managed.state.registration
  await signIn.redeem((secret) => server.prepareRedemption(way.request, callback, secret))
  return pageOf(signIn.app, signIn.status)
}

/**
 * The redirected URL that a person pasted. A browser may leave out http:// in what it shows, and one that
 * insists on https: has put that in its place: the `state` is what tells that it is this sign-in's.
 *
 * @throws {SidecarError} `invalid_request` for one that is not this sign-in's.
 */
export function parsePasted(signIn: PendingSignIn, pasted: string): URL {
  const request = signIn.way?.method === 'browser' ? signIn.way.request : undefined
  const callback = [pasted, `http://${pasted}`]
    .flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
    .find((url) => request && isResponseTo(request, url))
  if (callback) return callback
  throw new SidecarError('invalid_request', 'That is not the address that this sign-in ends at.', {
    hint: `Paste the whole address from the browser's address bar: it begins with ${request?.redirectUri ?? 'the redirect URI'} and has "state=" in it.`,
  })
}

function isResponseTo(
  { redirectUri, state }: { readonly redirectUri: string; readonly state: string },
  callback: URL,
): boolean {
  const expected = new URL(redirectUri)
  const states = callback.searchParams.getAll('state')
  const isOnHttps = expected.protocol === 'http:' && callback.protocol === 'https:'
  return (
    (callback.protocol === expected.protocol || isOnHttps) &&
    callback.host === expected.host &&
    callback.pathname === expected.pathname &&
    states.length === 1 &&
    states[0] === state
  )
}

const LINK_REUSED =
  'The link was opened a second time. If that was not you, another user or program on this machine saw it. No sign-in took place; start again.'

const ALREADY_USED: SignInPage = {
  ok: false,
  title: 'This sign-in has ended',
  text: 'Its answer was used already, or it took too long. Start again with evo-token login.',
}

function pageOf(app: string, { status, error, message, subject }: SignInStatus): SignInPage {
  if (status !== 'succeeded') {
    return { ok: false, title: 'Not signed in', text: `${error ?? ''}: ${message ?? ''}` }
  }
  const who = subject === null ? '' : ` as ${subject}`
  const remark = message === null ? '' : ` ${message}`
  return {
    ok: true,
    title: 'Signed in',
    text: `${app} is signed in${who}. You can close this page.${remark}`,
  }
}

function noRedirectUri(app: string): SidecarError {
  return new SidecarError('misconfigured', `"${app}" has no redirect URI.`, {
    hint: 'Register one for the app, and add it to redirectUris.',
  })
}
