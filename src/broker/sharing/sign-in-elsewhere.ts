/** A sign-in at a keeper that is not the home: it becomes the session of all keepers, or gives way. */
import type { Subject } from '../../core/token.ts'
import type { Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import { type AppRow, NO_HOME } from './app-row.ts'
import { DATABASE_UNREACHED } from './home-words.ts'
import { recordIn } from './reader-key.ts'

/** The session that the sign-in replaces. */
interface ReplacedSession {
  readonly revision: string | null
  readonly sharing: Omit<Sharing, 'pending'>
  readonly subject: Subject | undefined
}

export class SignInElsewhere {
  readonly #appRow: AppRow
  #replaces: ReplacedSession | undefined

  constructor(appRow: AppRow) {
    this.#appRow = appRow
  }

  /** What a sign-in that was granted has to store. */
  get sharing(): Sharing | undefined {
    return this.#replaces && { ...this.#replaces.sharing, pending: this.#replaces.revision }
  }

  /** Who is signed in at the home. */
  get subject(): Subject | undefined {
    return this.#replaces?.subject
  }

  /** Opens what the sign-in is to replace. @returns why it may not begin. */
  async begin(): Promise<SidecarError | undefined> {
    const { keeper, key, sharing } = this.#appRow
    const refusal = keeper.refuseChangeOfHome()
    if (refusal) return refusal
    const answer = await keeper.store.open(key)
    if (!answer)
      return new SidecarError('unavailable', DATABASE_UNREACHED.message, {
        hint: DATABASE_UNREACHED.hint,
      })
    const { value: row } = answer
    const number = keeper.nextNumber(row, sharing)
    const published = await recordIn(this.#appRow, row)
    const { tokens } = published ?? this.#appRow.state.ledger.record
    this.#replaces = {
      revision: row?.revision ?? null,
      sharing: { home: keeper.id, number, readerKey: published?.sharing?.readerKey ?? number },
      subject: tokens?.subject,
    }
    return undefined
  }

  end(): void {
    this.#replaces = undefined
  }
}

/** Makes a sign-in here the session of all keepers, or gives way to a change in between. Runs in the app's queue. */
export async function swapIn(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  if (sharing?.pending === undefined || appRow.keeper.refuseChangeOfHome()) return
  const { pending, ...settled } = sharing
  const { store, identity } = appRow.keeper
  const sealed = await appRow.seal(settled)
  const answer = sealed && (await store.swap({ ...sealed, revision: pending }, identity))
  if (!answer) return
  if (answer.value === undefined) {
    const now = await store.head(appRow.key)
    if (!now) return
    appRow.head = now.value
    if (appRow.verdict() === 'give-way') {
      const { home, number } = appRow.head ?? { home: null, number: settled.number }
      if (home === appRow.keeper.id) {
        // The app was handed over to this keeper meanwhile; the sign-in here is newer.
        const next = appRow.keeper.nextNumber(appRow.head, settled)
        await appRow.state.ledger.share({ ...settled, number: next })
        return
      }
      await appRow.state.ledger.write({ sharing: { ...settled, home: home ?? NO_HOME, number } })
      appRow.state.reloadFromRecord()
      appRow.note('home_lost', 'a sign-in here came too late: the app was changed elsewhere')
      return
    }
    // Refused for another reason: the next look tries again.
    if (appRow.verdict() !== 'settle') return
  } else appRow.wrote(answer.value, sealed)
  await appRow.state.ledger.share(settled)
  appRow.state.deps.onChange(appRow.key.app)
}
