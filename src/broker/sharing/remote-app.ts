/** An app whose home is elsewhere: its token is served from a copy, and a newer one is asked for. */
import type { App } from '../../core/app.ts'
import type { Clock } from '../../core/ports.ts'
import { copyProblem, type Problem } from '../../core/problem.ts'
import type { CopyCase } from '../../core/problem-cases.ts'
import type { AppStatus, Readiness, ServedToken } from '../../core/status.ts'
import { expiresAt, type Reading, remainingMs, type TokenSet } from '../../core/token.ts'
import type { AccessCopy } from '../../core/vault.ts'
import type { DatabaseAnswer } from '../../core/sharing/shared-store.ts'
import type { SidecarError } from '../../errors.ts'
import { REFRESH_WAIT_MS, type TokenRequest } from '../managed-app.ts'
import { ASK_AGAIN_MS, toBlockedError } from '../refusal.ts'
import { emptyStatus, toServedToken } from '../status-of.ts'
import { type Sleep, waitAtMost } from '../wait-at-most.ts'

/** Faults that may pass by themselves: callers wait for that. */
const IN_TIME: ReadonlySet<CopyCase> = new Set(['copy_missing', 'copy_ended'])

/** Above what the ends of one token differ by in two copies, since answers take their time. */
const CLOCK_SET_MS = 5_000

/** What a caller needs of a token that only the home can get. */
export interface TokenNeeds {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256?: string
  /** How much life the token should have left. */
  readonly minTtlMs?: number
}

export interface RemoteAppDeps {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly onChange: (app: string) => void
  /** Asks the home for a token; `over` is aborted when its caller waits no more. */
  readonly requestRenewal: (needs: TokenNeeds, over: AbortSignal) => void
}

/** What the app's row holds. */
export type FoundCopy =
  | { readonly kind: 'opened'; readonly copy: AccessCopy; readonly at: DatabaseAnswer<unknown> }
  | { readonly kind: CopyCase }

export class RemoteApp {
  readonly #deps: RemoteAppDeps
  readonly #waiting = new Set<() => void>()
  #app: App
  #tokens: TokenSet | undefined
  #fault: CopyCase = 'copy_missing'
  /** The name of the keeper that is the home, for people. */
  home: string | undefined

  constructor(app: App, deps: RemoteAppDeps) {
    this.#app = app
    this.#deps = deps
  }

  get app(): App {
    return this.#app
  }

  get tokens(): TokenSet | undefined {
    return this.#tokens
  }

  reconfigure(app: App): void {
    this.#app = app
  }

  /** Takes what the row holds now. */
  update(found: FoundCopy): void {
    const before = this.#tokens
    if (found.kind === 'opened') {
      const tokens = toTokens(found.copy, found.at)
      if (before && isSame(before, tokens, this.#deps.clock.read())) return
      this.#tokens = tokens
    } else {
      if (this.#fault === found.kind && !before) return
      this.#fault = found.kind
      // Only a sign-out ends a token before its time.
      if (found.kind === 'signed_out_elsewhere') this.#tokens = undefined
      else if (before) return
    }
    this.#deps.onChange(this.#app.name)
    for (const wake of this.#waiting) wake()
  }

  token(ask: TokenRequest): ServedToken | Promise<ServedToken> {
    const now = this.#deps.clock.read()
    const leftMs = this.#leftMs(now)
    const { minTtlMs = 0, waitMs } = ask
    if (this.#tokens && leftMs > 0 && leftMs >= minTtlMs) return toServedToken(this.#tokens, now)
    return this.#requestAndServe(minTtlMs > 0 ? { minTtlMs } : {}, waitMs)
  }

  /** A newer token, or the current one where another one was refused. */
  async refresh(rejectedSha256: string | undefined): Promise<ServedToken> {
    const { accessToken } = this.#tokens ?? {}
    if (rejectedSha256 !== undefined && accessToken?.sha256 !== rejectedSha256) {
      return this.token({ waitMs: REFRESH_WAIT_MS })
    }
    const rejected = accessToken?.sha256
    return this.#requestAndServe(
      rejected === undefined ? {} : { rejectedSha256: rejected },
      REFRESH_WAIT_MS,
    )
  }

  status(): AppStatus {
    const now = this.#deps.clock.read()
    const tokens = this.#tokens
    const problems = this.#problemsAt(now)
    const isServed = this.#leftMs(now) > 0
    return {
      ...emptyStatus(this.#app),
      session: isServed ? 'active' : this.#isSignedOut() ? 'signed-out' : 'retrying',
      freshness: tokens ? (isServed ? 'fresh' : 'expired') : 'none',
      expiresAt: tokens ? expiresAt(tokens, now) : null,
      scope: tokens?.scope ?? null,
      fingerprint: tokens?.accessToken.fingerprint ?? null,
      problems,
      home: this.home ?? null,
    }
  }

  problems(): readonly Problem[] {
    return this.#problemsAt(this.#deps.clock.read())
  }

  readiness(): Readiness {
    const [problem] = this.problems()
    return { ready: problem === undefined, reason: problem?.reason ?? null }
  }

  async #requestAndServe(needs: TokenNeeds, waitMs: number): Promise<ServedToken> {
    const before = this.#tokens
    const { clock, sleep, requestRenewal } = this.#deps
    if (!before && !IN_TIME.has(this.#fault)) throw this.#refusal(clock.read())
    const over = new AbortController()
    requestRenewal(needs, over.signal)
    let wake = (): void => undefined
    const newer = new Promise<void>((resolve) => {
      wake = () => {
        if (this.#tokens !== before) resolve()
      }
    })
    this.#waiting.add(wake)
    try {
      await waitAtMost(sleep, waitMs, newer)
    } finally {
      this.#waiting.delete(wake)
      over.abort()
    }
    const now = clock.read()
    if (this.#tokens && this.#leftMs(now) > 0) return toServedToken(this.#tokens, now)
    throw this.#refusal(now)
  }

  #refusal(now: Reading): SidecarError {
    const [problem] = this.#problemsAt(now)
    return toBlockedError(problem ?? copyProblem(this.#app, 'copy_ended', this.home), ASK_AGAIN_MS)
  }

  #problemsAt(now: Reading): readonly Problem[] {
    if (this.#leftMs(now) > 0) return []
    return [copyProblem(this.#app, this.#tokens ? 'copy_ended' : this.#fault, this.home)]
  }

  #isSignedOut(): boolean {
    return !this.#tokens && this.#fault === 'signed_out_elsewhere'
  }

  #leftMs(now: Reading): number {
    return this.#tokens ? remainingMs(this.#tokens, now) : 0
  }
}

/** Whether it is the same token with the same end. The home publishes it again where the database's clock was set. */
function isSame(one: TokenSet, other: TokenSet, now: Reading): boolean {
  const hasOtherEnd = Math.abs(remainingMs(one, now) - remainingMs(other, now)) > CLOCK_SET_MS
  return one.accessToken.sha256 === other.accessToken.sha256 && !hasOtherEnd
}

/**
 * The token as if it had been issued when the database was asked: its end is by the database's clock,
 * and the rest of its life is measured by ours, which may be an hour off.
 */
function toTokens(
  { accessToken, endsAt, scope }: AccessCopy,
  at: DatabaseAnswer<unknown>,
): TokenSet {
  return {
    accessToken,
    received: at.sent,
    lifetimeMs: endsAt === null ? null : Math.max(0, endsAt - at.now),
    draw: 0,
    ...(scope !== undefined && { scope }),
  }
}
