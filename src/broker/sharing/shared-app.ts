/** One app of a keeper that shares: whether this keeper may spend its session, and who is asked before it does. */
import type { Failure } from '../../core/ports.ts'
import type { Words } from '../../core/problem.ts'
import type { AppKey, RowHead, WholeRow } from '../../core/sharing/shared-store.ts'
import type { Subject } from '../../core/token.ts'
import type { Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome, HomeFault } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import { runWhenIdle } from '../idle.ts'
import { AppRow } from './app-row.ts'
import {
  adopt,
  giveTo,
  leave,
  type NotTaken,
  takeOver,
  type TakenOver,
  withRoom,
} from './change-home.ts'
import { elapsedMs } from './confirmation.ts'
import { BECAME_HOME, toFailure, UNREACHED, unreadableWords, WATCHED } from './home-words.ts'
import type { Keeper } from './keeper.ts'
import { readerKeyIn, renewReaderKey } from './reader-key.ts'
import { settle } from './settle-row.ts'
import { SignInElsewhere, swapIn } from './sign-in-elsewhere.ts'

export class SharedApp implements AppHome {
  readonly state: AppState
  readonly #keeper: Keeper
  readonly #row: AppRow
  readonly #signIn: SignInElsewhere
  #giving = false

  constructor(state: AppState, key: AppKey, keeper: Keeper) {
    this.state = state
    this.#keeper = keeper
    this.#row = new AppRow(state, key, keeper)
    this.#signIn = new SignInElsewhere(this.#row)
    state.ledger.onWrite = () => {
      // One that was never published has no row that would change.
      if (!state.ledger.record.sharing) keeper.lookSoon()
      this.#row.publish().catch((error: unknown) => {
        state.deps.log.error({ app: key.app, err: error }, 'publishing failed')
      })
    }
  }

  get key(): AppKey {
    return this.#row.key
  }

  get row(): RowHead | undefined {
    return this.#row.head
  }

  fault(): HomeFault | undefined {
    const { sharing } = this.#row
    if (!sharing) return this.#row.verdict() === 'elsewhere' ? 'elsewhere' : undefined
    if (sharing.home !== this.#keeper.id) return 'elsewhere'
    const isSettled = sharing.pending === undefined && !this.#row.isAhead(sharing)
    // One that was added since this keeper was confirmed was not compared with its row then.
    return isSettled && this.#row.wasRead && this.#keeper.isConfirmed()
      ? undefined
      : 'not_confirmed'
  }

  homeName(): string | undefined {
    const { sharing } = this.#row
    return sharing && this.#keeper.nameOf(sharing.home)
  }

  words(): Words | undefined {
    const { unreadable } = this.#row
    if (unreadable) return unreadableWords(this.key.app, unreadable)
    const { sharing } = this.#row
    // What the row has is taken to the disk once the database is known.
    const waits = sharing && this.#row.isAhead(sharing) && !this.#keeper.isDatabaseKnown()
    return this.#keeper.whyNotConfirmed() ?? (waits ? WATCHED : undefined)
  }

  /** Whether the app's token comes from the copy that another keeper publishes. */
  isElsewhere(): boolean {
    return this.fault() === 'elsewhere'
  }

  /** Whether other hosts find the last record; undefined for a session that is not shared. */
  isPublished(): boolean | undefined {
    return this.#row.sharing && this.#row.verdict() === 'in-step'
  }

  async publish(): Promise<boolean | undefined> {
    await this.#row.publish()
    return this.isPublished()
  }

  /** Takes the app's row as it was just read, and does what has to be done. */
  async look(head: RowHead | undefined): Promise<void> {
    this.#row.head = head
    const moveTo = head?.moveTo ?? this.#keeper.id
    const verdict = this.#row.verdict()
    if (moveTo !== this.#keeper.id && this.#mayGive(moveTo)) this.#giveInBackground(moveTo)
    // It needs no queue: a change of the app that waits for a server holds nothing up.
    else if (verdict === 'publish') await this.#row.publish()
    else if (!RESTING.has(verdict)) await settle(this.#row)
  }

  async question(
    kind: 'refresh' | 'redemption',
    sessionNumber = this.state.sessionNumber,
  ): Promise<Failure | undefined> {
    const { clock, store, policy } = this.#keeper
    const isSignInElsewhere = kind === 'redemption' && this.isElsewhere()
    if (!this.#row.sharing && !isSignInElsewhere) return undefined
    for (;;) {
      const asked = clock.read()
      if (!this.#keeper.isConfirmed()) return toFailure(this.words() ?? UNREACHED)
      const answer = await this.#keeper.within(store.head(this.key))
      if (!answer && isSignInElsewhere) return toFailure(UNREACHED)
      if (answer) {
        this.#row.head = answer.value
      }
      if (!isSignInElsewhere && this.#isOver(kind, sessionNumber)) return toFailure(BECAME_HOME)
      // It may have stood still meanwhile: the request is written in this turn, and so is this look.
      const isRecent = elapsedMs(asked, clock.read()) <= policy.questionHoldsMs
      if (isRecent && this.#keeper.isConfirmed()) return undefined
    }
  }

  async refuseChange(): Promise<SidecarError | undefined> {
    if (this.isElsewhere()) return this.#notHome()
    const failure = await this.question('refresh')
    return failure && new SidecarError('unavailable', failure.message, { hint: UNREACHED.hint })
  }

  async refuseSignIn(): Promise<SidecarError | undefined> {
    return this.isElsewhere() ? this.#signIn.begin() : this.refuseChange()
  }

  subject(): Subject | undefined {
    return this.isElsewhere() ? this.#signIn.subject : this.state.ledger.record.tokens?.subject
  }

  sharingOfSignIn(): Sharing | undefined {
    return this.isElsewhere() ? this.#signIn.sharing : undefined
  }

  async settleSignIn(): Promise<string | undefined> {
    this.#signIn.end()
    if (this.#row.sharing?.pending === undefined) return undefined
    await swapIn(this.#row)
    return this.isElsewhere() ? BECAME_HOME.message : undefined
  }

  takeOver(copy: WholeRow, silent: Parameters<typeof takeOver>[2]): Promise<TakenOver> {
    return takeOver(this.#row, copy, silent)
  }

  /** Runs `work` while there is room for the copy on the disk. */
  withRoom<Result>(copy: WholeRow, work: () => Promise<Result>): Promise<Result | NotTaken> {
    return withRoom(this.#row, copy, work)
  }

  /** @throws {SidecarError} as `adopt` in `change-home.ts`. */
  adopt(): Promise<void> {
    return adopt(this.#row)
  }

  leave(): Promise<boolean> {
    return leave(this.#row)
  }

  /**
   * The number of the key that readers of the app need, raised by one if `renew`.
   *
   * @throws {SidecarError} `not_home`, `invalid_request`, `unavailable`.
   */
  async readerKeyNumber(renew: boolean): Promise<number> {
    if (!renew) {
      const row = this.isElsewhere() ? (await this.#keeper.store.open(this.key))?.value : undefined
      return readerKeyIn(this.#row, row)
    }
    return runWhenIdle(this.state, async () => {
      const refusal = await this.refuseChange()
      if (refusal) throw refusal
      return renewReaderKey(this.#row)
    })
  }

  /** A request that is out may take minutes, and other apps do not wait for it. */
  #giveInBackground(to: string): void {
    if (this.#giving) return
    this.#giving = true
    giveTo(this.#row, to)
      .catch((error: unknown) => {
        // It is asked for until it is done.
        this.state.deps.log.warn(
          { app: this.key.app, err: error },
          'not given to another keeper yet',
        )
      })
      .finally(() => {
        this.#giving = false
      })
  }

  /** Whether the session that a request spends is over, or not this keeper's any more. */
  #isOver(kind: 'refresh' | 'redemption', sessionNumber: number): boolean {
    const home = this.row?.home ?? this.#keeper.id
    if (home !== this.#keeper.id || this.fault() !== undefined) return true
    return kind === 'refresh' && this.state.sessionNumber !== sessionNumber
  }

  #mayGive(to: string): boolean {
    const verdict = this.#row.verdict()
    return (
      (verdict === 'in-step' || verdict === 'publish') &&
      this.fault() === undefined &&
      this.#keeper.isAlive(to) &&
      this.#keeper.refuseChangeOfHome() === undefined
    )
  }

  #notHome(): SidecarError {
    const { app } = this.key
    const home = this.#keeper.nameOf(this.row?.home ?? this.#row.sharing?.home)
    return new SidecarError('not_home', `The home of "${app}" is ${home}, not this keeper.`, {
      hint: `Do it there; or make this keeper the home: \`evo-token share move ${app}\`.`,
    })
  }
}

/** Where nothing is to be done. */
const RESTING: ReadonlySet<string> = new Set(['in-step', 'elsewhere', 'apart'])
