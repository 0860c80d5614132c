/**
 * Gets an app's next token: with its refresh token by the rotation protocol (`rotation.ts`), or with
 * its own credentials. Never throws for what a server or a disk may do.
 */
import { needsClientSecret } from '../core/app.ts'
import { secretMissing, secretWords } from '../core/client-secret.ts'
import type { Failure } from '../core/ports.ts'
import type { GrantOutcome } from '../core/authorization-server.ts'
import type { Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { type Permission, refreshSession } from './refresh.ts'
import { recordFailure } from './renewal-failure.ts'
import { clientSecretsOf, refusesClient, withProvenSecret } from './secrets.ts'
import { storeAndServe } from './store-and-serve.ts'

function missingSecret({ app, ledger }: AppState): Failure {
  const failure = secretMissing(app)
  if (!ledger.damaged) return failure
  const message = `The record of "${app.name}" could not be read, and its ${secretWords(app)} was in it. It was set aside, not deleted.`
  return { ...failure, message }
}

export async function renew(state: AppState, permission: Permission): Promise<void> {
  const { isWanted } = permission
  const { app } = state
  if (needsClientSecret(app) && clientSecretsOf(state)[0] === undefined) {
    await state.queue.run(async () => {
      if (!isWanted()) return
      const failure = missingSecret(state)
      state.apply({ type: 'misconfigured', failure, at: state.deps.clock.read() })
    })
    return
  }
  await (app.type === 'service'
    ? issueServiceToken(state, isWanted)
    : refreshSession(state, permission))
}

/** A service app's next token: its request spends nothing, so a lost answer costs nothing. */
async function issueServiceToken(state: AppState, isWanted: () => boolean): Promise<void> {
  const { registration, sessionNumber } = state
  let outcome: GrantOutcome | undefined
  let secret: Sealed | undefined
  const done = state.outstanding.begin('issue')
  try {
    for (const candidate of clientSecretsOf(state)) {
      if (outcome && !refusesClient(outcome)) break
      secret = candidate
      outcome = await registration.limit(async () =>
        isWanted() ? registration.server.issue(candidate) : undefined,
      )
    }
    await state.queue.run(async () => {
      if (!outcome || state.sessionNumber !== sessionNumber) return
      if (outcome.kind === 'granted')
        await storeAndServe(state, outcome, 'granted', withProvenSecret(state, secret))
      else recordFailure(state, outcome)
      // Whatever the outcome, this instant of the cron line has had its attempt.
      state.scheduleReissue()
    })
  } finally {
    done()
  }
}
