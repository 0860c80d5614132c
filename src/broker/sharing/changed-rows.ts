/**
 * Reads what changed since the last look, and now and then everything: a row may be written late with
 * an early time, and an announcement may get lost.
 */
import type { Clock } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  Answer,
  AppKey,
  Asked,
  CopiedRow,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import { rowsByKey } from './rows-by-key.ts'

export interface ChangedRowsDeps {
  readonly clock: Clock
  readonly store: Pick<SharedStore, 'changed'>
  readonly policy: Pick<SharingPolicy, 'wholeMs' | 'overlapMs'>
}

export interface Changes {
  readonly rowOf: (key: AppKey) => CopiedRow | undefined
  /** Whether these are all rows: an app that is not among them has none. */
  readonly isWhole: boolean
  readonly at: Answer<unknown>
}

export class ChangedRows {
  readonly #deps: ChangedRowsDeps
  #wholeAt = -Infinity
  #since: Instant | undefined

  constructor(deps: ChangedRowsDeps) {
    this.#deps = deps
  }

  /** Has everything read by the next look. */
  lookSoon(): void {
    this.#wholeAt = -Infinity
  }

  /** @param note keeps what the answer tells of the database. Undefined where there was none. */
  async read(
    note: (asked: Asked<readonly CopiedRow[]>) => Asked<readonly CopiedRow[]>,
  ): Promise<Changes | undefined> {
    const { clock, store, policy } = this.#deps
    const { mono } = clock.read()
    const before = this.#wholeAt
    const isWhole = mono - before >= policy.wholeMs
    // Before the question: what is asked for meanwhile is not to be forgotten.
    if (isWhole) this.#wholeAt = mono
    const changed = await note(store.changed(isWhole ? undefined : this.#since))
    if (!changed) {
      this.#wholeAt = before
      return undefined
    }
    this.#since = changed.now - policy.overlapMs
    return { rowOf: rowsByKey(changed.value), isWhole, at: changed }
  }
}
