/** One sign-in, from its start until a while after its end. It ends once. */
import type {
  AuthorizationRequest,
  DeviceAuthorization,
  PollOutcome,
  Prepared,
} from '../core/authorization-server.ts'
import type { RedirectLease } from '../core/redirect-listener.ts'
import type { SignInProgress, SignInStatus } from '../core/status.ts'
import type { ManagedApp } from './managed-app.ts'
import type { Sealed } from '../core/token.ts'
import { failed, type SignInEnd, takeOverSignIn } from './sign-in.ts'

export interface BrowserSignIn {
  readonly method: 'browser'
  readonly request: AuthorizationRequest
  /** Absent where no browser is to come to us: then the redirected URL is pasted. */
  readonly lease?: RedirectLease
}

export interface DeviceSignIn {
  readonly method: 'device'
  readonly authorization: DeviceAuthorization
  intervalMs: number
  /** On the monotonic clock. */
  nextPollAt: number
}

/** A person or a browser may load the page again: it should not be a failure to connect. */
const SHOWN_MS = 60_000

export class PendingSignIn {
  readonly id: string
  readonly managedApp: ManagedApp
  readonly switchUser: boolean
  /** When it ends if it is not completed; on the monotonic clock. */
  readonly endsAt: number
  readonly ended: Promise<void>
  /** Set once the person can act. */
  way: BrowserSignIn | DeviceSignIn | undefined
  #end: () => void = () => undefined
  #visited = false
  #httpsTried = false
  /** Until when its last page can be loaded again, on the monotonic clock. */
  #shownUntil: number | undefined
  #closed = false
  #busy = false
  /** What the person brought back has been sent, or is about to be. */
  #atServer = false
  #abandoned: SignInStatus | undefined
  #status: SignInStatus = { ...failed('', ''), status: 'pending', error: null, message: null }

  constructor(id: string, managed: ManagedApp, switchUser: boolean, endsAt: number) {
    this.id = id
    this.managedApp = managed
    this.switchUser = switchUser
    this.endsAt = endsAt
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  get app(): string {
    return this.managedApp.state.app.name
  }

  get status(): SignInStatus {
    return this.#status
  }

  get progress(): SignInProgress {
    return { ...this.#status, visited: this.#visited, httpsTried: this.#httpsTried }
  }

  get pending(): boolean {
    return this.#status.status === 'pending'
  }

  /** Whether what the person brought back is being redeemed: its end is near. */
  get busy(): boolean {
    return this.#busy
  }

  /** A browser has come. */
  noteVisit(): void {
    this.#visited = true
  }

  /** A browser tried https:. */
  noteHttps(): void {
    this.#httpsTried = true
  }

  /** Redeems what the person brought back, and ends with what came of it, unless it is too early to tell. */
  async redeem(
    prepare: (clientSecret: Sealed | undefined) => Promise<Prepared<PollOutcome>>,
  ): Promise<SignInEnd> {
    this.#busy = true
    const { state } = this.managedApp
    const order = state.signInOrder.next()
    try {
      const end = await takeOverSignIn(state, {
        prepare,
        switchUser: this.switchUser,
        isWanted: () => {
          // It may have ended while its request was prepared: then nothing is sent any more.
          this.#atServer = this.pending
          return this.pending
        },
        claimSession: () => state.signInOrder.claim(order),
      })
      if (end?.status === 'succeeded') this.#finish(end, state.deps.clock.read().mono)
      else if (end?.status === 'failed') this.finish(end)
      return end ?? this.#status
    } finally {
      this.#busy = this.#atServer = false
      if (this.#abandoned) this.finish(this.#abandoned)
    }
  }

  /**
   * Ends it from outside, and closes its port. What is at the server already decides for itself: it may
   * well succeed.
   */
  abandon(status: SignInStatus): void {
    if (this.#atServer) this.#abandoned = status
    else this.finish(status)
  }

  finish(status: SignInStatus): void {
    this.#finish(status)
    this.#close()
  }

  /** Closes the port, once the page at the end has been there long enough to be loaded again. */
  closeIfShown(mono: number): void {
    if (this.#shownUntil !== undefined && mono >= this.#shownUntil) this.#close()
  }

  /** @param shownFrom when the page at its end is shown, on the monotonic clock; its port stays open for that. */
  #finish(status: SignInStatus, shownFrom?: number): void {
    if (!this.pending) return
    this.#status = status
    if (shownFrom !== undefined) this.#shownUntil = shownFrom + SHOWN_MS
    this.#lease?.conclude()
    this.#end()
    const { log, onActivity } = this.managedApp.state.deps
    const { error } = status
    log.info(
      { app: this.app, signIn: status.status, ...(error !== null && { error }) },
      'sign-in ended',
    )
    if (status.status === 'failed') {
      onActivity({ kind: 'sign_in_failed', app: this.app, caller: 'owner', error })
    }
  }

  get #lease(): RedirectLease | undefined {
    return this.way?.method === 'browser' ? this.way.lease : undefined
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#lease?.close()
  }
}
