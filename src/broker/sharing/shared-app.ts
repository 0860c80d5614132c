/** One shared app of a keeper: whether this keeper may spend its session, and the last question before it does. */
import type { Failure } from '../../core/ports.ts'
import type { Words } from '../../core/case-row.ts'
import type { AppKey, RowHead, WholeRow } from '../../core/sharing/shared-store.ts'
import type { Subject } from '../../core/token.ts'
import type { Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome, HomeFault } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import { runWhenIdle } from '../idle.ts'
import { AppRow } from './app-row.ts'
import {
  becomeHomeOf,
  stopSharingApp,
  type NotTaken,
  takeOverHome,
  type TakeOverResult,
  withRoom,
} from './change-home.ts'
import { findHomeFault, homeFaultWords } from './home-standing.ts'
import { BECAME_HOME, toFailure } from './home-words.ts'
import type { Keeper } from './keeper.ts'
import { askLastQuestion } from './last-question.ts'
import { readerKeyOf, renewReaderKey } from './reader-key.ts'
import { RowUpkeep } from './row-upkeep.ts'
import { SignInElsewhere, swapIn } from './sign-in-elsewhere.ts'

export class SharedApp implements AppHome {
  readonly state: AppState
  readonly #keeper: Keeper
  readonly #row: AppRow
  readonly #signIn: SignInElsewhere
  readonly #upkeep: RowUpkeep

  constructor(state: AppState, key: AppKey, keeper: Keeper) {
    this.state = state
    this.#keeper = keeper
    this.#row = new AppRow(state, key, keeper)
    this.#signIn = new SignInElsewhere(this.#row)
    this.#upkeep = new RowUpkeep(this.#row)
    state.ledger.firstGeneration = () => (this.#row.sharing ? keeper.firstGeneration() : 0)
    state.ledger.onWrite = () => {
      // The app was never published, so no row will change.
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
    return findHomeFault(this.#row)
  }

  homeName(): string | undefined {
    const { sharing } = this.#row
    return sharing && this.#keeper.nameOf(sharing.home)
  }

  words(): Words | undefined {
    return homeFaultWords(this.#row)
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

  /** Takes the app's row as it was just read. */
  see(head: RowHead | undefined): void {
    this.#row.head = head
  }

  /** Whether something has to be done about the row, as it was last read. */
  isDue(): boolean {
    return this.#upkeep.isDue()
  }

  /** As `see`, and does what has to be done. */
  look(head: RowHead | undefined): Promise<void> {
    return this.#upkeep.look(head)
  }

  async question(
    kind: 'refresh' | 'redemption',
    sessionNumber: number,
  ): Promise<Failure | undefined> {
    const words = await askLastQuestion(this.#row, kind, sessionNumber)
    return words && toFailure(words)
  }

  async refuseChange(): Promise<SidecarError | undefined> {
    if (this.isElsewhere()) return this.#notHome()
    const words = await askLastQuestion(this.#row, 'refresh', this.state.sessionNumber)
    return words && new SidecarError('unavailable', words.message, { hint: words.hint })
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

  takeOver(copy: WholeRow, silent: Parameters<typeof takeOverHome>[2]): Promise<TakeOverResult> {
    return takeOverHome(this.#row, copy, silent)
  }

  /** Runs `work`, which asks for the app, with room for the copy reserved on the disk. */
  withRoom<Result>(copy: WholeRow, work: () => Promise<Result>): Promise<Result | NotTaken> {
    return this.#upkeep.whileAsking(() => withRoom(this.#row, copy, work))
  }

  /** @throws {SidecarError} as `becomeHomeOf` in `change-home.ts`. */
  adopt(): Promise<void> {
    return becomeHomeOf(this.#row)
  }

  leave(): Promise<boolean> {
    return stopSharingApp(this.#row)
  }

  /**
   * The number of the key that readers of the app need, raised by one if `renew`.
   *
   * @throws {SidecarError} `not_home`, `invalid_request`, `unavailable`.
   */
  async readerKeyNumber(renew: boolean): Promise<number> {
    if (!renew) return readerKeyOf(this.#row, this.isElsewhere())
    return runWhenIdle(this.state, async () => {
      const refusal = await this.refuseChange()
      if (refusal) throw refusal
      return renewReaderKey(this.#row)
    })
  }

  #notHome(): SidecarError {
    const { app } = this.key
    const home = this.#keeper.nameOf(this.row?.home ?? this.#row.sharing?.home)
    return new SidecarError('not_home', `The home of "${app}" is ${home}, not this keeper.`, {
      hint: `Do it there; or make this keeper the home: \`evo-token share move ${app}\`.`,
    })
  }
}
