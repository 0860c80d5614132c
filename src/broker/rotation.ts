/**
 * The rotation protocol, for every request that spends a refresh token or a code:
 *
 *     prepare   endpoint, client authentication and form are settled; nothing is spent
 *     reserve   the vault proves that it can store the answer, and marks the attempt
 *     send      connect, ask the last question, write, wait for the whole answer
 *     store     the answer is made durable, and only then served
 *
 * `reserve` and `store` run in the app's queue, `send` does not: no change of the app waits for an
 * authorization server. A kill between `send` and `store` may cost the session; the mark tells the next start.
 */
import type { LastQuestion, PreparedRequest } from '../core/authorization-server.ts'
import type { StoreResult } from '../core/vault.ts'
import type { Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { clientSecretsOf, refusesClient } from './secrets.ts'

export interface Spending<Outcome, End> {
  readonly kind: 'refresh' | 'redemption'
  readonly prepare: (clientSecret: Sealed | undefined) => Promise<PreparedRequest<Outcome>>
  /** Asked in the app's queue, right before the reservation, or before `store` where nothing is sent. */
  readonly isWanted: () => boolean
  /** Runs in the app's queue. */
  readonly store: (answered: ReceivedAnswer<Outcome>) => Promise<End>
  /** The vault could not reserve room, so nothing is sent. Runs in the app's queue. */
  readonly handleNotReserved: (result: NotStored) => Promise<End>
}

export interface ReceivedAnswer<Outcome> {
  readonly outcome: Outcome
  /** The client secret that the last attempt used. */
  readonly clientSecret: Sealed | undefined
  /** The app has another session by now: the answer is about one that is over. */
  readonly superseded: boolean
}

export type NotStored = Exclude<StoreResult, { kind: 'stored' }>

/** Undefined where the request is no longer wanted when its turn has come. */
export async function spend<Outcome extends { readonly kind: string }, End>(
  state: AppState,
  spending: Spending<Outcome, End>,
): Promise<End | undefined> {
  const { kind, prepare, isWanted, store, handleNotReserved } = spending
  const [first] = clientSecretsOf(state)
  const prepared = await prepare(first)
  if (prepared.kind === 'settled') {
    const answered = { outcome: prepared.outcome, clientSecret: first, superseded: false }
    return state.queue.run(async () => (isWanted() ? store(answered) : undefined))
  }
  const reserved = await state.queue.run(async () => {
    if (!isWanted()) return undefined
    traceStep(state, 'reserve')
    const result = await state.ledger.reserve()
    return result.kind === 'stored'
      ? beginRequest(state, kind)
      : { end: await handleNotReserved(result) }
  })
  if (!reserved || 'end' in reserved) return reserved?.end
  const { sessionNumber } = reserved
  let sent: SendResult<Outcome>
  try {
    const question = () => state.home.question(kind, sessionNumber)
    sent = await sendWithSecrets(state, prepared, first, { prepare, question })
  } catch (error) {
    await state.queue.run(() => reserved.conclude())
    throw error
  }
  return state.queue.run(async () => {
    try {
      return await store({ ...sent, superseded: state.sessionNumber !== sessionNumber })
    } finally {
      await reserved.conclude()
    }
  })
}

type Ready<Outcome> = Extract<PreparedRequest<Outcome>, { kind: 'ready' }>

type SendResult<Outcome> = Omit<ReceivedAnswer<Outcome>, 'superseded'>

/** Sends with each client secret in turn, until the server accepts the client: a refused client spends nothing. */
async function sendWithSecrets<Outcome extends { readonly kind: string }>(
  state: AppState,
  prepared: Ready<Outcome>,
  first: Sealed | undefined,
  {
    prepare,
    question,
  }: Pick<Spending<Outcome, unknown>, 'prepare'> & { readonly question: LastQuestion },
): Promise<SendResult<Outcome>> {
  traceStep(state, 'send')
  let outcome = await prepared.send(question)
  let clientSecret = first
  for (const other of clientSecretsOf(state).slice(1)) {
    if (!refusesClient(outcome)) break
    const again = await prepare(other)
    traceStep(state, 'send')
    outcome = again.kind === 'ready' ? await again.send(question) : again.outcome
    clientSecret = other
  }
  return { outcome, clientSecret }
}

/** Counts the request as out, until it is concluded. */
function beginRequest(state: AppState, kind: 'refresh' | 'redemption') {
  const done = state.outstanding.begin(kind)
  return {
    sessionNumber: state.sessionNumber,
    async conclude(): Promise<void> {
      try {
        await state.ledger.conclude()
      } finally {
        // A stop waits for it, and so does every change by the owner.
        done()
      }
    },
  }
}

function traceStep(state: AppState, step: string): void {
  state.deps.log.trace({ app: state.app.name, step }, 'protocol')
}
