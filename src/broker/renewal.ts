/**
 * Getting an app's next token: the rotation protocol, step by step (README, "Never lose a
 * session"). Runs in the app's queue; never throws for what a server or a disk may do.
 */
import { withoutLife } from '../core/foreseen.ts'
import { needsClientSecret } from '../core/app.ts'
import { secretMissing } from '../core/client-secret.ts'
import type { Failure, GrantOutcome, Spending, StoreResult } from '../core/ports.ts'
import type { Sealed, TokenSet } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { type Attempt, withClientSecrets } from './secrets.ts'

type Salvaged = Extract<GrantOutcome, { kind: 'salvaged' }>

/** Thrown through an adapter to stop a request before it leaves; caught by whoever passed `beforeSend`. */
export class NotReserved extends Error {
  readonly result: Exclude<StoreResult, { kind: 'stored' }>

  constructor(result: Exclude<StoreResult, { kind: 'stored' }>) {
    super('the vault could not reserve room for the answer')
    this.result = result
  }
}

/** For what was still waiting for one of the issuer's places: nothing new is begun. */
const STOPPING: GrantOutcome = {
  kind: 'unavailable',
  failure: { error: 'stopping', message: 'The daemon is stopping.' },
  answerLost: false,
}

/** Renews the session: with its refresh token, or a service app with its own credentials. */
export async function renew(state: AppState, stopping: () => boolean): Promise<void> {
  const { app } = state
  if (needsClientSecret(app) && state.clientSecrets()[0] === undefined) {
    const failure = secretMissing(app)
    state.apply({ type: 'misconfigured', failure, at: state.deps.clock.read() })
    return
  }
  if (app.type === 'service') {
    await settleIssue(state, stopping)
    return
  }
  const failedBefore = state.session.status === 'retrying'
  const spent = await spend(state, stopping)
  // A lost answer may have rotated the token at the server: some accept the old one for seconds
  // yet, few for longer. So there is one more attempt at once, and the back-off after it.
  const again = spent === 'adopted' || (spent === 'lost' && !failedBefore && !stopping())
  if (again) await spend(state, stopping)
}

async function settleIssue(state: AppState, stopping: () => boolean): Promise<void> {
  const { registration } = state
  const { outcome, change } = await withClientSecrets(state, (secret) =>
    registration.limit(async () => (stopping() ? STOPPING : registration.server.issue(secret))),
  )
  if (outcome.kind === 'granted') await state.adopt(outcome, 'granted', change)
  else if (outcome.kind === 'salvaged') recordSalvaged(state, outcome)
  else recordFailure(state, outcome)
  // Whatever came of it, this instant of the cron line has had its attempt.
  state.scheduleReissue()
}

/** `adopted`: the vault held a newer record, which has not been tried. `lost`: the answer was. */
type Spent = 'done' | 'adopted' | 'lost'

/** One attempt with the refresh token. */
async function spend(state: AppState, stopping: () => boolean): Promise<Spent> {
  const refreshToken = state.session.tokens?.refreshToken
  if (!refreshToken) return 'done'
  const attempt = await attemptRefresh(state, refreshToken, stopping)
  if (!attempt) return 'done'
  const { outcome, change } = attempt
  switch (outcome.kind) {
    case 'granted':
      if ((await state.adopt(outcome, 'granted', change)) === 'changed') {
        await giveUp(state, outcome.grant.refreshToken)
      }
      return 'done'
    case 'salvaged':
      await salvage(state, attempt, outcome)
      return 'done'
    case 'rejected':
      return reject(state, outcome.failure)
    case 'misconfigured':
      recordFailure(state, outcome)
      await state.ledger.release()
      return 'done'
    case 'unavailable':
      state.ledger.unanswered ||= outcome.answerLost
      recordFailure(state, outcome)
      await state.ledger.release()
      return outcome.answerLost && outcome.retryAfterMs === undefined ? 'lost' : 'done'
  }
}

async function attemptRefresh(
  state: AppState,
  refreshToken: Sealed,
  stopping: () => boolean,
): Promise<Attempt<GrantOutcome> | undefined> {
  const { registration } = state
  try {
    return await withClientSecrets(state, (clientSecret) =>
      registration.limit(async () =>
        stopping()
          ? STOPPING
          : registration.server.refresh(refreshToken, spending(state, clientSecret)),
      ),
    )
  } catch (error) {
    if (!(error instanceof NotReserved)) throw error
    if (error.result.kind === 'changed') state.readopt()
    else state.unavailable(error.result.failure)
    return undefined
  }
}

/** What a request that spends something needs: the reservation is made the moment before it leaves. */
export function spending(state: AppState, clientSecret: Sealed | undefined): Spending {
  const { log } = state.deps
  return {
    clientSecret,
    beforeSend: async () => {
      log.trace({ app: state.app.name, step: 'reserve' }, 'protocol')
      const reserved = await state.ledger.reserve()
      if (reserved.kind !== 'stored') throw new NotReserved(reserved)
      log.trace({ app: state.app.name, step: 'send' }, 'protocol')
    },
  }
}

/** The answer was damaged, but its refresh token is the only one that works now. */
async function salvage(
  state: AppState,
  { change }: Attempt<GrantOutcome>,
  outcome: Salvaged,
): Promise<void> {
  const { refreshToken } = outcome
  const { tokens } = state.session
  if (!tokens || !change.tokens) return
  const result = await state.ledger.write({ ...change, tokens: { ...change.tokens, refreshToken } })
  if (result.kind === 'changed') {
    await giveUp(state, refreshToken)
    return
  }
  recordSalvaged(state, outcome, { ...tokens, refreshToken })
}

/** `tokens` are those of the session with what was salvaged, where that is kept. */
function recordSalvaged(state: AppState, { failure, lasting }: Salvaged, tokens?: TokenSet): void {
  const at = state.deps.clock.read()
  const changed = { failure, at, ...(tokens && { tokens }) }
  if (lasting) state.apply({ type: 'misconfigured', ...changed })
  else state.apply({ type: 'unavailable', ...changed, random: state.deps.random() })
}

/** The server will not take the refresh token any more, unless the vault holds a newer one. */
async function reject(state: AppState, refused: Failure): Promise<Spent> {
  const { ledger, deps } = state
  if (await ledger.reread()) {
    state.readopt()
    return 'adopted'
  }
  const failure = ledger.unanswered ? answerLost(refused) : refused
  const at = deps.clock.read()
  const { generation, identity, tokens, ...record } = ledger.record
  const { refreshToken, ...accessOnly } = tokens ?? {}
  await ledger.write({
    ...withoutLife(record),
    ...('accessToken' in accessOnly && { tokens: accessOnly }),
    lost: { error: failure.error, message: failure.message, at: at.wall },
  })
  state.apply({ type: 'rejected', failure, at })
  return 'done'
}

function answerLost(refused: Failure): Failure {
  return {
    error: 'answer_lost',
    message: `An answer of the server was lost on its way here, and with it the new refresh token; the old one is now refused (${refused.error}: ${refused.message}).`,
  }
}

/** Somebody else changed the record while we asked: theirs holds, and ours must not live on unseen. */
async function giveUp(state: AppState, refreshToken: Sealed | undefined): Promise<void> {
  state.deps.log.warn({ app: state.app.name }, 'record changed meanwhile: answer discarded')
  if (refreshToken) {
    await state.registration.server.revoke(refreshToken, 'refresh_token', state.clientSecrets()[0])
  }
  state.readopt()
}

function recordFailure(
  state: AppState,
  outcome: Exclude<GrantOutcome, { kind: 'granted' | 'salvaged' }>,
): void {
  const { failure } = outcome
  if (outcome.kind === 'unavailable') state.unavailable(failure, outcome.retryAfterMs)
  // A service app has nobody to sign in: whatever the server rejects is the app itself.
  else state.apply({ type: 'misconfigured', failure, at: state.deps.clock.read() })
}
