/**
 * Reads the rows that changed since the last look, and now and then all: a row may become visible late
 * with an early time stamp, and an announcement may get lost. It reads rows without their copies.
 */
import type { Clock } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  DatabaseAnswer,
  AppKey,
  PromisedAnswer,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import { rowsByKey } from './rows-by-key.ts'

export interface ChangedRowsDeps {
  readonly clock: Clock
  readonly store: Pick<SharedStore, 'changed'>
  readonly policy: Pick<SharingPolicy, 'wholeMs' | 'overlapMs' | 'lateMs' | 'lateEveryMs'>
}

/** An app that was looked at, and its row; undefined where it has none. */
export interface Seen<One> {
  readonly one: One
  readonly head: RowHead | undefined
}

export class ChangedRows {
  readonly #deps: ChangedRowsDeps
  #wholeAt = -Infinity
  #lateAt = -Infinity
  /** The last look, by the database's clock. */
  #readAt: Instant | undefined

  constructor(deps: ChangedRowsDeps) {
    this.#deps = deps
  }

  /** Has everything read by the next look. */
  lookSoon(): void {
    this.#wholeAt = -Infinity
  }

  /**
   * Those of `apps`, by name, whose rows may have changed: all of them after a look at everything.
   *
   * @param note keeps what the answer tells about the database. Undefined where there was no answer.
   */
  async read<One extends { readonly key: AppKey }>(
    apps: ReadonlyMap<string, One>,
    note: (asked: PromisedAnswer<readonly RowHead[]>) => PromisedAnswer<readonly RowHead[]>,
  ): Promise<DatabaseAnswer<readonly Seen<One>[]> | undefined> {
    const { clock, store, policy } = this.#deps
    const { mono } = clock.read()
    const [wholeAt, lateAt] = [this.#wholeAt, this.#lateAt]
    const isWhole = this.#readAt === undefined || mono - wholeAt >= policy.wholeMs
    const isLate = mono - lateAt >= policy.lateEveryMs
    const overlapMs = isLate ? policy.lateMs : policy.overlapMs
    // Before the question, so that a `lookSoon` in the meantime is not lost.
    if (isWhole) this.#wholeAt = mono
    if (isLate) this.#lateAt = mono
    const changed = await note(store.changed(isWhole ? undefined : (this.#readAt ?? 0) - overlapMs))
    if (!changed) {
      this.#wholeAt = wholeAt
      this.#lateAt = lateAt
      return undefined
    }
    this.#readAt = changed.now
    return {
      ...changed,
      value: isWhole ? seeAll(apps, changed.value) : seeChanged(apps, changed.value),
    }
  }
}

function seeAll<One extends { readonly key: AppKey }>(
  apps: ReadonlyMap<string, One>,
  heads: readonly RowHead[],
): Seen<One>[] {
  const headOf = rowsByKey(heads)
  return [...apps.values()].map((one) => ({ one, head: headOf(one.key) }))
}

function seeChanged<One extends { readonly key: AppKey }>(
  apps: ReadonlyMap<string, One>,
  heads: readonly RowHead[],
): Seen<One>[] {
  return heads.flatMap((head) => {
    const one = apps.get(head.app)
    return one?.key.identityDigest === head.identityDigest ? [{ one, head }] : []
  })
}
