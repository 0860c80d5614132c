/** Signing in with a browser: on this machine by the redirect URI, on another by a pasted URL. */
import type { AuthorizationRequest } from '../core/authorization-server.ts'
import type {
  BusyPort,
  RedirectListener,
  RedirectRequest,
  SignInPage,
} from '../core/redirect-listener.ts'
import { addressesIn } from '../core/pasted-address.ts'
import type { SignInStatus, StartedSignIn } from '../core/status.ts'
import { SidecarError } from '../errors.ts'
import type { PendingSignIn } from './pending-sign-in.ts'
import { toFailedSignIn, type SignInEnd } from './sign-in-end.ts'
import { unwrapResult } from './sign-in-errors.ts'
import { ALREADY_USED, latePageOf, pageOf } from './sign-in-pages.ts'

/** How a browser gets to the authorization server, and back. */
type Ways = Pick<
  Extract<StartedSignIn, { method: 'browser' }>,
  'authorizationUrl' | 'openUrl' | 'listening' | 'busy'
>

/**
 * Makes the authorization request and listens for its response on the first redirect URI that is free.
 * Where none is, the person pastes the address that the browser ends on.
 *
 * @throws {SidecarError} `misconfigured`, `unavailable`, `stopping`.
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
    signIn.requirePending()
    const listening = await listener.listen(toRedirectRequest(signIn, request))
    if (listening.kind === 'listening') {
      const { lease } = listening
      signIn.begin({ method: 'browser', request, lease })
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

/** Without any listener: the person opens the address, and pastes the one that the browser ends on. */
function startByHand(signIn: PendingSignIn, request: AuthorizationRequest): Ways {
  signIn.begin({ method: 'browser', request })
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
  signIn.begin({ method: 'browser', request, ...lease })
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
  return unwrapResult(await server.authorize(redirectUri, { switchUser }))
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
      signIn.breakOff(toFailedSignIn('link_reused', LINK_REUSED))
    },
    onHttps: () => {
      signIn.noteHttps()
    },
  }
}

/** Redeems `callback`, and returns the page for the browser that brought it. */
export async function redeemCallback(signIn: PendingSignIn, callback: URL): Promise<SignInPage> {
  const end = await redeem(signIn, callback)
  if (end) return pageOf(signIn.app, signIn.status)
  return signIn.pending ? ALREADY_USED : latePageOf(signIn.app, signIn.status)
}

/**
 * Redeems the redirected URL that a person pasted. One that is not this sign-in's, or not whole, changes nothing.
 *
 * @throws {SidecarError} `invalid_request` for such a one.
 */
export async function redeemPasted(signIn: PendingSignIn, pasted: string): Promise<SignInStatus> {
  const request = signIn.way?.method === 'browser' ? signIn.way.request : undefined
  const addresses = addressesIn(pasted)
  const callback = addresses.find((url) => request && isResponseTo(request, url))
  if (!callback) throw notTheAddress(request, addresses)
  const end = await redeem(signIn, callback, 'pasted')
  if (end?.status !== 'failed' || !signIn.pending) return signIn.status
  throw new SidecarError('invalid_request', 'Some of that address is missing or changed.', {
    hint: COPY_WHOLE,
  })
}

/** Undefined where the sign-in has ended, or another response is being redeemed. */
async function redeem(
  signIn: PendingSignIn,
  callback: URL,
  from?: 'pasted',
): Promise<SignInEnd | undefined> {
  const { managedApp: managed, way } = signIn
  if (signIn.busy || !signIn.pending || way?.method !== 'browser') return undefined
  const { server } = managed.state.registration
  return signIn.redeem((secret) => server.prepareRedemption(way.request, callback, secret), from)
}

/** A browser that insists on https: puts that in the place of http:; the `state` tells that it is this sign-in's. */
function isResponseTo(request: AuthorizationRequest, callback: URL): boolean {
  const states = callback.searchParams.getAll('state')
  return leadsTo(request, callback) && states.length === 1 && states[0] === request.state
}

function leadsTo({ redirectUri }: AuthorizationRequest, address: URL): boolean {
  const expected = new URL(redirectUri)
  const isOnHttps = expected.protocol === 'http:' && address.protocol === 'https:'
  return (
    (address.protocol === expected.protocol || isOnHttps) &&
    address.host === expected.host &&
    address.pathname === expected.pathname
  )
}

const COPY_WHOLE = "Copy the whole address from the browser's address bar once more."

function notTheAddress(
  request: AuthorizationRequest | undefined,
  addresses: readonly URL[],
): SidecarError {
  const states = addresses.map((url) => url.searchParams.get('state'))
  if (request && states.includes(request.state)) {
    return new SidecarError('invalid_request', 'That is an address on the way to the sign-in.', {
      hint: `Sign in there, and paste the address that the browser ends on: it begins with ${request.redirectUri}.`,
    })
  }
  const isOfAnother = addresses.some((url, at) => {
    return request !== undefined && leadsTo(request, url) && states[at] !== null
  })
  if (isOfAnother) {
    return new SidecarError('invalid_request', 'That address is not of this sign-in.', {
      hint: 'It may be of an earlier one, or cut short. Open the address that this sign-in shows, and paste the whole one that the browser ends on.',
    })
  }
  return new SidecarError('invalid_request', 'That is not the address that this sign-in ends at.', {
    hint: `Paste the whole address from the browser's address bar: it begins with ${request?.redirectUri ?? 'the redirect URI'} and has "state=" in it. If another program has led the browser on from there, end that program and sign in again.`,
  })
}

const LINK_REUSED =
  'The link was opened a second time. If that was not you, another user or program on this machine saw it. No sign-in took place; start again.'

function noRedirectUri(app: string): SidecarError {
  return new SidecarError('misconfigured', `"${app}" has no redirect URI.`, {
    hint: 'Register one for the app, and add it to "redirectUris" in the config.',
  })
}
