/** One sign-in, from its start until a while after its end. It ends once. */
import type {
  AuthorizationRequest,
  DeviceAuthorization,
  PollOutcome,
  PreparedRequest,
} from '../core/authorization-server.ts'
import { OWNER_NAME } from '../core/names.ts'
import type { RedirectLease } from '../core/redirect-listener.ts'
import type { SignInProgress, SignInStatus } from '../core/status.ts'
import type { ManagedApp } from './managed-app.ts'
import type { Sealed } from '../core/token.ts'
import { takeOverSignIn } from './sign-in.ts'
import { SidecarError } from '../errors.ts'
import { toFailedSignIn, type SignInEnd } from './sign-in-end.ts'

export interface BrowserSignIn {
  readonly method: 'browser'
  readonly request: AuthorizationRequest
  /** Absent where nothing listens for the browser: then the redirected URL is pasted. */
  readonly lease?: RedirectLease
}

export interface DeviceSignIn {
  readonly method: 'device'
  readonly authorization: DeviceAuthorization
  intervalMs: number
  /** On the monotonic clock. */
  nextPollAt: number
}

/** How long browsers that come after the end get an answer, and not a failed connection. */
const ENDED_SHOWN_MS = 60_000

export class PendingSignIn {
  readonly id: string
  readonly managedApp: ManagedApp
  readonly switchUser: boolean
  /** When it ends if it is not completed; on the monotonic clock. */
  readonly endsAt: number
  readonly ended: Promise<void>
  #way: BrowserSignIn | DeviceSignIn | undefined
  #end: () => void = () => undefined
  #visited = false
  #httpsTried = false
  /** Until when browsers that come after its end are answered, on the monotonic clock. */
  #shownUntil: number | undefined
  #closed = false
  #busy = false
  /** What the person brought back has been sent, or is about to be. */
  #atServer = false
  #brokenOff: SignInStatus | undefined
  #status: SignInStatus = {
    ...toFailedSignIn('', ''),
    status: 'pending',
    error: null,
    message: null,
  }

  constructor(id: string, managed: ManagedApp, switchUser: boolean, endsAt: number) {
    this.id = id
    this.managedApp = managed
    this.switchUser = switchUser
    this.endsAt = endsAt
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** How the person signs in; undefined before that is known. */
  get way(): BrowserSignIn | DeviceSignIn | undefined {
    return this.#way
  }

  /**
   * Lets the person act.
   *
   * @throws {SidecarError} `stopping`, `unavailable` where it has ended meanwhile: then its port is closed again.
   */
  begin(way: BrowserSignIn | DeviceSignIn): void {
    this.#way = way
    if (!this.pending) this.#lease?.close()
    this.requirePending()
  }

  /** @throws {SidecarError} `stopping`, `unavailable` where it has ended. */
  requirePending(): void {
    if (this.pending) return
    const { error, message } = this.#status
    throw new SidecarError(error === 'stopping' ? error : 'unavailable', message ?? '', {
      ...(error !== 'stopping' && { hint: `Start it again: \`evo-token login ${this.app}\`.` }),
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

  /** Whether what the person brought back is being redeemed. */
  get busy(): boolean {
    return this.#busy
  }

  /** A browser has opened the one-time link, or brought a response. */
  noteVisit(): void {
    this.#visited = true
  }

  /** A browser tried https:. */
  noteHttps(): void {
    this.#httpsTried = true
  }

  /**
   * Redeems what the person brought back. The sign-in ends with the result, unless that is still
   * pending, or a pasted address was damaged and nothing was sent.
   */
  async redeem(
    prepare: (clientSecret: Sealed | undefined) => Promise<PreparedRequest<PollOutcome>>,
    from?: 'pasted',
  ): Promise<SignInEnd> {
    this.#busy = true
    const { state } = this.managedApp
    const order = state.signInOrder.next()
    const request = { isSettled: false }
    try {
      const end = await takeOverSignIn(state, {
        prepare: async (clientSecret) => {
          const prepared = await prepare(clientSecret)
          request.isSettled = prepared.kind === 'settled'
          return prepared
        },
        switchUser: this.switchUser,
        isWanted: () => {
          // The sign-in may have ended while its request was prepared: then nothing is sent.
          this.#atServer = this.pending
          return this.pending
        },
        claimSession: () => state.signInOrder.claim(order),
      })
      const isEnd =
        end?.status === 'succeeded' ||
        (end?.status === 'failed' && !(from && request.isSettled && isDamaged(end)))
      if (isEnd) this.finish(end)
      return end ?? this.#status
    } finally {
      this.#busy = this.#atServer = false
      if (this.#brokenOff) this.finish(this.#brokenOff)
    }
  }

  /** Ends it from outside, and closes its port at once. */
  abandon(status: SignInStatus): void {
    this.#close()
    this.breakOff(status)
  }

  /** Ends it from outside. A request that is at the server already still decides: it may succeed. */
  breakOff(status: SignInStatus): void {
    if (this.#atServer) this.#brokenOff = status
    else this.finish(status)
  }

  /** Ends it. Its port stays open for a while: a browser that comes late is told what happened. */
  finish(status: SignInStatus): void {
    if (!this.pending) return
    this.#status = status
    const { clock, log, onActivity } = this.managedApp.state.deps
    this.#shownUntil = clock.read().mono + ENDED_SHOWN_MS
    this.#lease?.conclude()
    this.#end()
    const { error } = status
    log.info(
      { app: this.app, signIn: status.status, ...(error !== null && { error }) },
      'sign-in ended',
    )
    if (status.status === 'failed') {
      onActivity({ kind: 'sign_in_failed', app: this.app, caller: OWNER_NAME, error })
    }
  }

  /** Closes the port, once browsers have been answered for long enough after the end. */
  closeIfShown(mono: number): void {
    if (this.#shownUntil !== undefined && mono >= this.#shownUntil) this.#close()
  }

  get #lease(): RedirectLease | undefined {
    return this.#way?.method === 'browser' ? this.#way.lease : undefined
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#lease?.close()
  }
}

/** Whether the response itself is at fault: a part of it is missing, or another server sent it. */
function isDamaged({ error }: SignInStatus): boolean {
  return error === 'invalid_issuer' || error === 'invalid_response'
}
