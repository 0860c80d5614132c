/**
 * Sign-ins that wait for a person. At most one per app: a new one replaces the old. The heartbeat
 * polls those on a device and ends those that took too long.
 */
import type { Clock } from '../core/ports.ts'
import type { RedirectListener } from '../core/redirect-listener.ts'
import type { SignInProgress, SignInStatus, StartedSignIn } from '../core/status.ts'
import type { Instant } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import { redeemPasted, startInBrowser } from './browser-sign-in.ts'
import { pollIfDue, startOnDevice } from './device-sign-in.ts'
import type { ManagedApp } from './managed-app.ts'
import { requireReadable } from './newer-record.ts'
import { PendingSignIn } from './pending-sign-in.ts'
import { toFailedSignIn } from './sign-in-end.ts'
import { requireSignIn } from './sign-in-errors.ts'
import { type Sleep, waitAtMost } from './wait-at-most.ts'

const SIGN_IN_LIFETIME_MS = 10 * 60_000
/** How long the result of a sign-in can still be asked for after its time limit. */
const REMEMBERED_MS = 10 * 60_000

const STOPPING = 'The daemon is stopping.'

export interface SignInDeps {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly listener: RedirectListener
  /** An unguessable name for a sign-in. */
  readonly newId: () => string
  /** @throws {SidecarError} `unknown_app`, `vault_locked`. */
  readonly findApp: (app: string) => ManagedApp
}

export interface SignInAsk {
  readonly method: 'browser' | 'device'
  /** Whether another person than the one who is signed in may sign in. */
  readonly switchUser: boolean
}

export class SignIns {
  readonly #deps: SignInDeps
  readonly #byId = new Map<string, PendingSignIn>()
  /** Those that wait for the authorization server, before a person can act. */
  readonly #starting = new Set<PendingSignIn>()
  #closed = false

  constructor(deps: SignInDeps) {
    this.#deps = deps
  }

  /**
   * Starts a sign-in; a pending one of the same app ends. The old session stays until the new one
   * is stored.
   *
   * @throws {SidecarError} `unknown_app`, `invalid_request`, `misconfigured`, `unavailable`, `vault_locked`,
   * `record_newer`, `stopping`.
   */
  async start(app: string, { method, switchUser }: SignInAsk): Promise<StartedSignIn> {
    const { clock, newId } = this.#deps
    const managed = this.#deps.findApp(app)
    if (this.#closed) throw new SidecarError('stopping', STOPPING)
    const now = clock.read()
    const signIn = new PendingSignIn(newId(), managed, switchUser, now.mono + SIGN_IN_LIFETIME_MS)
    this.#starting.add(signIn)
    try {
      return await this.#start(signIn, method, now.wall)
    } finally {
      this.#starting.delete(signIn)
    }
  }

  async #start(
    signIn: PendingSignIn,
    method: SignInAsk['method'],
    startedAt: Instant,
  ): Promise<StartedSignIn> {
    const { clock, listener } = this.#deps
    const { id, managedApp: managed } = signIn
    // Not in the app's queue: a person is waiting, and a change that is under way may take long.
    await requireReadable(managed.state)
    requireSignIn(managed.state)
    const refusal = await managed.state.home.refuseSignIn()
    if (refusal) throw refusal
    if (method === 'device') {
      const { authorization } = await startOnDevice(signIn, clock)
      this.#replace(signIn)
      return {
        id,
        method,
        expiresAt: startedAt + Math.min(SIGN_IN_LIFETIME_MS, authorization.expiresInMs),
        userCode: authorization.userCode,
        verificationUri: authorization.verificationUri,
        verificationUriComplete: authorization.verificationUriComplete ?? null,
      }
    }
    const urls = await startInBrowser(signIn, listener)
    this.#replace(signIn)
    return { id, method, expiresAt: startedAt + SIGN_IN_LIFETIME_MS, ...urls }
  }

  /** Waits for the end of a sign-in, `waitMs` at most. @throws {SidecarError} `not_found`. */
  async wait(app: string, id: string, waitMs: number): Promise<SignInProgress> {
    const signIn = this.#find(app, id)
    if (signIn.pending) await waitAtMost(this.#deps.sleep, waitMs, signIn.ended)
    return signIn.progress
  }

  /** Ends a sign-in that a person has given up, and closes its port at once. @throws {SidecarError} `not_found`. */
  end(app: string, id: string): void {
    this.#find(app, id).abandon(toFailedSignIn('cancelled', 'The sign-in was given up.'))
  }

  /** The ports of redirect URIs on which browsers are answered now. */
  ports(): readonly number[] {
    return this.#deps.listener.ports()
  }

  /**
   * Completes a sign-in with the URL that a browser elsewhere was sent to.
   *
   * @throws {SidecarError} `not_found`; `invalid_request` for a URL that is not this sign-in's.
   */
  async paste(app: string, id: string, url: string): Promise<SignInStatus> {
    return redeemPasted(this.#find(app, id), url)
  }

  /** Called at each heartbeat; waits for nothing. */
  beat(): void {
    const { clock } = this.#deps
    const { mono } = clock.read()
    for (const [id, signIn] of this.#byId) {
      if (!signIn.pending) {
        signIn.closeIfShown(mono)
        if (mono >= signIn.endsAt + REMEMBERED_MS) this.#byId.delete(id)
      } else if (!signIn.busy && mono >= signIn.endsAt) {
        signIn.finish(toFailedSignIn('timeout', 'The sign-in was not completed in time.'))
      } else {
        pollIfDue(signIn, clock)
      }
    }
  }

  /** Ends the app's sign-ins, the ones that are still starting included. */
  cancel(app: string, why: string): void {
    const status = toFailedSignIn('cancelled', why)
    this.#abandonPending(app, status)
    for (const signIn of this.#starting) if (signIn.app === app) signIn.abandon(status)
  }

  /** Ends every sign-in, and lets none start. */
  close(): void {
    this.#closed = true
    for (const signIn of [...this.#byId.values(), ...this.#starting]) {
      signIn.abandon(toFailedSignIn('stopping', STOPPING))
    }
  }

  #replace(signIn: PendingSignIn): void {
    this.#abandonPending(
      signIn.app,
      toFailedSignIn('cancelled', 'A newer sign-in of this app was started.'),
    )
    this.#byId.set(signIn.id, signIn)
  }

  #abandonPending(app: string, status: SignInStatus): void {
    for (const signIn of this.#byId.values()) if (signIn.app === app) signIn.abandon(status)
  }

  #find(app: string, id: string): PendingSignIn {
    const signIn = this.#byId.get(id)
    if (signIn?.app === app) return signIn
    throw new SidecarError('not_found', `"${app}" has no such sign-in.`, {
      hint: `Start one with \`evo-token login ${app}\`.`,
    })
  }
}
