/** Renews a person's session with its refresh token, by the rotation protocol (`rotation.ts`). */
import { omitLife } from '../core/session-end.ts'
import type { Failure } from '../core/ports.ts'
import type { GrantOutcome } from '../core/authorization-server.ts'
import { areDifferent, type Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { recordFailure, recordSalvaged, type SalvagedOutcome } from './renewal-failure.ts'
import { type NotStored, type ReceivedAnswer, spend } from './rotation.ts'
import { clientSecretsOf, withProvenSecret } from './secrets.ts'
import { storeAndServe } from './store-and-serve.ts'

/** Asked when a request is about to leave. */
export interface Permission {
  /** Whether the session should still be renewed. */
  readonly isWanted: () => boolean
  /** Whether the app may send requests at all: it is in the config, and the daemon is not stopping. */
  readonly isOpen: () => boolean
}

/** `reloaded`: the vault held a newer record, which has not been tried. `lost`: the answer was lost. */
type SpendResult = 'done' | 'reloaded' | 'lost'

/** Waits until the issuer's turn comes to this app, and then has one attempt, or two. */
export async function refreshSession(
  state: AppState,
  { isWanted, isOpen }: Permission,
): Promise<void> {
  const turn = await state.registration.turns.take({
    get callersWaiting() {
      return state.callersWaiting
    },
    endsAt: state.tokenEndsAt(),
  })
  let spent: SpendResult | undefined
  try {
    const failedBefore = state.session.status === 'retrying'
    spent = await spendRefreshToken(state, isWanted)
    // The server may have rotated the token of a lost answer: some accept the old one for a few
    // seconds, few for longer. So there is one more attempt at once, and back-off after it.
    const again = spent === 'reloaded' || (spent === 'lost' && !failedBefore)
    if (again) spent = await spendRefreshToken(state, isOpen)
  } finally {
    turn.end(spent === 'done' && state.session.status === 'active')
  }
}

/** One attempt with the refresh token. */
async function spendRefreshToken(state: AppState, isWanted: () => boolean): Promise<SpendResult> {
  const { server } = state.registration
  const refreshToken = state.session.tokens?.refreshToken
  if (!refreshToken || !isWanted()) return 'done'
  const spent = await spend<GrantOutcome, SpendResult>(state, {
    kind: 'refresh',
    prepare: (secret) => server.prepareRefresh(refreshToken, secret),
    isWanted: () => isWanted() && state.session.tokens?.refreshToken === refreshToken,
    store: (answered) => storeRefreshOutcome(state, answered),
    handleNotReserved: (result) => giveUpRefresh(state, result),
  })
  return spent ?? 'done'
}

async function storeRefreshOutcome(
  state: AppState,
  { outcome, clientSecret, superseded }: ReceivedAnswer<GrantOutcome>,
): Promise<SpendResult> {
  if (superseded) return discardLate(state, outcome)
  switch (outcome.kind) {
    case 'granted': {
      const change = withProvenSecret(state, clientSecret)
      if ((await storeAndServe(state, outcome, 'granted', change)) === 'changed') {
        await giveUp(state, outcome.grant.refreshToken)
      }
      return 'done'
    }
    case 'salvaged':
      await storeSalvagedToken(state, outcome, clientSecret)
      return 'done'
    case 'rejected':
      return endSession(state, outcome.failure)
    case 'misconfigured':
      recordFailure(state, outcome)
      return 'done'
    case 'unavailable':
      state.ledger.unanswered ||= outcome.answerLost
      recordFailure(state, outcome)
      return outcome.answerLost && outcome.retryAfterMs === undefined && !outcome.tooLong
        ? 'lost'
        : 'done'
  }
}

/** The request was not sent: the disk refused, or another process or a newer version changed the record. */
async function giveUpRefresh(state: AppState, result: NotStored): Promise<SpendResult> {
  if (result.kind === 'changed') state.reloadFromRecord()
  if (result.kind === 'unwritable') state.recordUnavailable(result.failure)
  return 'done'
}

/**
 * The session that was refreshed is over: a sign-in or a sign-out came before the answer. A server
 * may tie all sessions of a person to one grant, so nothing is revoked that may be in use.
 */
async function discardLate(state: AppState, outcome: GrantOutcome): Promise<SpendResult> {
  const { app, deps, session } = state
  const about = { app: app.name, outcome: outcome.kind }
  deps.log.info(
    about,
    'a refresh was answered after its session had ended: the answer is discarded',
  )
  if (outcome.kind !== 'granted' || !outcome.grant.refreshToken) return 'done'
  const { subject } = outcome.grant
  // A session that another keeper has now is not ours to end.
  if (state.home.fault()) return 'done'
  if (session.status === 'signed-out' || areDifferent(session.tokens?.subject, subject)) {
    await revokeUnused(state, outcome.grant.refreshToken)
  }
  return 'done'
}

async function revokeUnused(state: AppState, refreshToken: Sealed): Promise<void> {
  const [secret] = clientSecretsOf(state)
  await state.registration.server.revoke(refreshToken, 'refresh_token', secret)
}

/** The answer was damaged, but its refresh token is the only one that works now. */
async function storeSalvagedToken(
  state: AppState,
  outcome: SalvagedOutcome,
  clientSecret: Sealed | undefined,
): Promise<void> {
  const { refreshToken } = outcome
  const { tokens } = state.session
  const change = withProvenSecret(state, clientSecret)
  if (!tokens || !change.tokens) return
  const result = await state.ledger.write({ ...change, tokens: { ...change.tokens, refreshToken } })
  if (result.kind === 'changed') {
    await giveUp(state, refreshToken)
    return
  }
  recordSalvaged(state, outcome, { ...tokens, refreshToken })
}

/** The server will not take the refresh token any more, unless the vault holds a newer one. */
async function endSession(state: AppState, refused: Failure): Promise<SpendResult> {
  const { ledger, deps } = state
  if (await ledger.reread()) {
    state.reloadFromRecord()
    return 'reloaded'
  }
  // What it holds cannot be read here, and may be what the server would take.
  if (ledger.newer) return 'done'
  const failure = ledger.unanswered ? toAnswerLost(refused) : refused
  const at = deps.clock.read()
  const { generation, identity, tokens, ...record } = ledger.record
  const { refreshToken, ...accessOnly } = tokens ?? {}
  await ledger.write({
    ...omitLife(record),
    ...('accessToken' in accessOnly && { tokens: accessOnly }),
    lost: { code: failure.code, message: failure.message, at: at.wall },
  })
  state.apply({ type: 'rejected', failure, at })
  return 'done'
}

function toAnswerLost(refused: Failure): Failure {
  return {
    code: 'answer_lost',
    message: `An answer of the server was lost, and with it the new refresh token; the old one is now refused (${refused.code}: ${refused.message}).`,
  }
}

/** Another process changed the record meanwhile: its record holds, and the refresh token that we got is revoked. */
async function giveUp(state: AppState, refreshToken: Sealed | undefined): Promise<void> {
  state.deps.log.warn({ app: state.app.name }, 'record changed meanwhile: answer discarded')
  if (refreshToken && !state.home.fault()) await revokeUnused(state, refreshToken)
  state.reloadFromRecord()
}
