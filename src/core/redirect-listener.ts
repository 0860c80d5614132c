/** What listens on redirect URIs while a person signs in, as the broker sees it. */

/** What a browser, or a person with a pasted URL, is told about a sign-in. */
export interface SignInPage {
  readonly ok: boolean
  readonly title: string
  readonly text: string
}

export interface RedirectRequest {
  readonly redirectUri: string
  readonly state: string
  readonly authorizationUrl: string
  /** A response with our `state` arrived. Resolves with the page to show. */
  onCallback(callback: URL): Promise<SignInPage>
  /** A browser opened the one-time link or brought a response. */
  onVisit?(): void
  /** The one-time link was opened a second time: another person or program may have used it. */
  onSecondVisit(): void
  /** A browser tried https: on the port of the redirect URI, which has no certificate. */
  onHttps?(): void
}

export interface RedirectLease {
  /** The one-time link that sends a browser on to the authorization server. */
  readonly openUrl: string
  /** The sign-in is over: the link no longer works, and a response that comes again gets the same page. */
  conclude(): void
  /** Stops listening for this request; the port is closed with the last of them. */
  close(): void
}

/** Whose program has a port: our user's (or root's), another user's, or that cannot be found out. */
export type PortHolder = 'own' | 'other' | 'unknown'

/** A redirect URI whose port another program has. */
export interface BusyPort {
  readonly port: number
  readonly holder: PortHolder
}

/** Listens on redirect URIs while sign-ins are pending. */
export interface RedirectListener {
  /**
   * `busy`: another program has the port. `closed`: we may not open it, or no browser would go there.
   * `remote`: not a loopback address, nothing to listen on.
   */
  listen(
    request: RedirectRequest,
  ): Promise<
    | { readonly kind: 'listening'; readonly lease: RedirectLease }
    | ({ readonly kind: 'busy' } & BusyPort)
    | { readonly kind: 'closed' | 'remote' }
  >
  /** Serves the one-time link alone, on a free port: for a redirect URI whose port is busy. */
  listenForLink(request: RedirectRequest): Promise<RedirectLease>
  /** The ports of redirect URIs that are open now. */
  ports(): readonly number[]
}
