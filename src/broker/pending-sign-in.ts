/** One sign-in, from its start until a while after its end. It ends once. */
import type {
  AuthorizationRequest,
  DeviceAuthorization,
  PollOutcome,
  Prepared,
  RedirectLease,
} from '../core/ports.ts'
import type { SignInStatus } from '../core/status.ts'
import type { ManagedApp } from './managed-app.ts'
import type { Sealed } from '../core/token.ts'
import { failed, type SignInEnd, takeOverSignIn } from './sign-in.ts'

export interface BrowserSignIn {
  readonly method: 'browser'
  readonly request: AuthorizationRequest
  /** Absent where the redirect URI is not on this machine: then the redirected URL is pasted. */
  readonly lease?: RedirectLease
}

export interface DeviceSignIn {
  readonly method: 'device'
  readonly authorization: DeviceAuthorization
  intervalMs: number
  /** On the monotonic clock. */
  nextPollAt: number
}

export class PendingSignIn {
  readonly id: string
  readonly managedApp: ManagedApp
  readonly switchUser: boolean
  /** When it ends if nobody completes it; on the monotonic clock. */
  readonly endsAt: number
  readonly ended: Promise<void>
  /** Set once the person can act. */
  way: BrowserSignIn | DeviceSignIn | undefined
  #end: () => void = () => undefined
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

  get pending(): boolean {
    return this.#status.status === 'pending'
  }

  /** Whether what the person brought back is being redeemed: its end is near. */
  get busy(): boolean {
    return this.#busy
  }

  /** Redeems what the person brought back, and ends with what came of it, unless it is too early to tell. */
  async redeem(
    prepare: (clientSecret: Sealed | undefined) => Promise<Prepared<PollOutcome>>,
  ): Promise<SignInEnd> {
    this.#busy = true
    const { state } = this.managedApp
    const order = state.nextSignInOrder()
    try {
      const end = await takeOverSignIn(state, {
        prepare,
        switchUser: this.switchUser,
        isWanted: () => {
          // It may have ended while its request was prepared: then nothing is sent any more.
          this.#atServer = this.pending
          return this.pending
        },
        claimSession: () => state.claimSession(order),
      })
      if (end && end.status !== 'pending') this.finish(end)
      return end ?? this.#status
    } finally {
      this.#busy = this.#atServer = false
      if (this.#abandoned) this.finish(this.#abandoned)
    }
  }

  /** Ends it from outside. What is at the server already decides for itself: it may well succeed. */
  abandon(status: SignInStatus): void {
    if (this.#atServer) this.#abandoned = status
    else this.finish(status)
  }

  finish(status: SignInStatus): void {
    if (!this.pending) return
    this.#status = status
    this.#end()
    const { log } = this.managedApp.state.deps
    const error = status.error === null ? {} : { error: status.error }
    log.info({ app: this.app, signIn: status.status, ...error }, 'sign-in ended')
    if (this.way?.method !== 'browser') return
    this.way.lease?.close().catch((error: unknown) => {
      log.error({ app: this.app, err: error }, 'the redirect listener did not close')
    })
  }
}
