/** Signing in with a browser: on this machine by the redirect URI, on another by a pasted URL. */
import type { RedirectListener, SignInPage } from '../core/ports.ts'
import type { SignInStatus } from '../core/status.ts'
import { SidecarError } from '../errors.ts'
import type { PendingSignIn } from './pending-sign-in.ts'
import { failed } from './sign-in.ts'
import { valueOf } from './sign-in-errors.ts'

/**
 * Makes the authorization request and listens for its response on the first redirect URI that is free.
 *
 * @throws {SidecarError} `misconfigured`, `unavailable`.
 */
export async function startInBrowser(
  signIn: PendingSignIn,
  listener: RedirectListener,
): Promise<{ authorizationUrl: string; openUrl: string | null }> {
  const { app, registration } = signIn.managedApp.state
  const { switchUser } = signIn
  const busy: number[] = []
  for (const redirectUri of app.redirectUris) {
    const request = valueOf(await registration.server.authorize(redirectUri, { switchUser }))
    const listening = await listener.listen({
      redirectUri,
      state: request.state,
      authorizationUrl: request.url,
      onCallback: (callback) => redeemCallback(signIn, callback),
      onSecondVisit: () => {
        signIn.abandon(failed('link_reused', LINK_REUSED))
      },
    })
    if (listening.kind === 'busy') {
      busy.push(listening.port)
      continue
    }
    const lease = listening.kind === 'listening' ? { lease: listening.lease } : {}
    signIn.way = { method: 'browser', request, ...lease }
    return { authorizationUrl: request.url, openUrl: lease.lease?.openUrl ?? null }
  }
  throw portsBusy(app.name, busy)
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
 * The redirected URL that somebody pasted.
 *
 * @throws {SidecarError} `invalid_request` for one that is not this sign-in's.
 */
export function parsePasted(signIn: PendingSignIn, pasted: string): URL {
  const callback = URL.canParse(pasted) ? new URL(pasted) : undefined
  const request = signIn.way?.method === 'browser' ? signIn.way.request : undefined
  if (callback && request && isResponseTo(request, callback)) return callback
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
  return (
    callback.protocol === expected.protocol &&
    callback.host === expected.host &&
    callback.pathname === expected.pathname &&
    states.length === 1 &&
    states[0] === state
  )
}

const LINK_REUSED =
  'The link was opened a second time. If that was not you, it was somebody else on this machine. Nobody was signed in; start again.'

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

function portsBusy(app: string, ports: readonly number[]): SidecarError {
  return new SidecarError(
    'unavailable',
    `The port of the redirect URI of "${app}" (${ports.join(', ')}) is in use by another program: often a web server in development, a notebook, or another tool that is signing in.`,
    {
      hint: 'Stop that program (`ss -ltnp` or `lsof -i` names it), or register another redirect URI and add it to redirectUris.',
    },
  )
}
