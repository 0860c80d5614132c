/** Does what the row of an app asks of this keeper: publish, settle, give the app to another, end a move. */
import type { RowHead } from '../../core/sharing/shared-store.ts'
import type { AppRow } from './app-row.ts'
import { giveTo } from './change-home.ts'
import { findHomeFault } from './home-standing.ts'
import { settle } from './settle-row.ts'

export class RowUpkeep {
  readonly #row: AppRow
  #giving = false
  /** How many commands of this keeper's owner are asking for the app now. */
  #asking = 0

  constructor(row: AppRow) {
    this.#row = row
  }

  /** Whether something has to be done about the row, as it was last read. */
  isDue(): boolean {
    return this.#row.wasRead && !RESTING_VERDICTS.has(this.#row.verdict())
  }

  /** Takes the row as it was just read, and does what has to be done. */
  async look(head: RowHead | undefined): Promise<void> {
    const row = this.#row
    row.head = head
    await this.#endOldMove()
    const moveTo = head?.moveTo ?? row.keeper.id
    const verdict = row.verdict()
    if (moveTo !== row.keeper.id && this.#mayGive(moveTo)) this.#giveInBackground(moveTo)
    // Publishing needs no queue, so it does not wait for a change of the app.
    else if (verdict === 'publish') await row.publish()
    else if (this.isDue()) await settle(row)
  }

  /** Runs `work`, a command of this keeper that asks for the app: the move to here is not ended meanwhile. */
  async whileAsking<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#asking += 1
    try {
      return await work()
    } finally {
      this.#asking -= 1
      this.#row.keeper.lookSoon()
    }
  }

  /** In the background: a request that is out may take minutes, and other apps do not wait for it. */
  #giveInBackground(to: string): void {
    if (this.#giving) return
    this.#giving = true
    const { key, state } = this.#row
    giveTo(this.#row, to)
      .catch((error: unknown) => {
        // The other keeper asks until it has the app.
        state.deps.log.warn({ app: key.app, err: error }, 'not given to another keeper yet')
      })
      .finally(() => {
        this.#giving = false
      })
  }

  /** Withdraws a request for the app that no command waits for any more: there may be no room for it by now. */
  async #endOldMove(): Promise<void> {
    const { head, key, keeper } = this.#row
    const { id, store } = keeper
    if (head?.moveTo === id && this.#asking === 0) await store.endMove(key, id)
  }

  #mayGive(to: string): boolean {
    const { keeper } = this.#row
    const verdict = this.#row.verdict()
    return (
      (verdict === 'in-step' || verdict === 'publish') &&
      findHomeFault(this.#row) === undefined &&
      keeper.isAlive(to) &&
      keeper.refuseChangeOfHome() === undefined
    )
  }
}

/** Verdicts with nothing to do. */
const RESTING_VERDICTS: ReadonlySet<string> = new Set(['in-step', 'elsewhere', 'apart'])
