/** Makes the tokens of a grant durable, then serves them. */
import type { GrantOutcome } from '../core/authorization-server.ts'
import { omitLife, updateLife } from '../core/session-end.ts'
import { nextSession } from '../core/session.ts'
import { toStored } from '../core/stored-tokens.ts'
import { receive } from '../core/token.ts'
import type { StoreResult } from '../core/vault.ts'
import type { AppState } from './app-state.ts'
import type { RecordChange } from './ledger.ts'

export type Granted = Extract<GrantOutcome, { kind: 'granted' }>

function sharingOf({ home }: AppState): Pick<RecordChange, 'sharing'> {
  const sharing = home.sharingOfSignIn()
  return sharing ? { sharing } : {}
}

/**
 * Stores the tokens of a grant, then serves them. Where they cannot be stored now they are served from
 * memory until they can; where another process changed the record meanwhile they are not used.
 */
export async function storeAndServe(
  state: AppState,
  { grant, received: at }: Granted,
  type: 'granted' | 'signed-in',
  change: RecordChange,
): Promise<StoreResult['kind']> {
  const { app, deps, ledger } = state
  const { random, log } = deps
  const received = receive(grant, at, random())
  const { tokens } = nextSession(state.session, { type, tokens: received }, app.refresh)
  const { lost, ...kept } = change
  const { refreshTokenLifetimeMs: lifetimeMs } = grant
  const { wall } = received.received
  log.trace({ app: app.name, step: 'store' }, 'protocol')
  const result = await ledger.write({
    ...omitLife(kept),
    ...(tokens && { tokens: toStored(tokens) }),
    ...updateLife(change, lifetimeMs, wall),
    ...(type === 'signed-in' && { signedInAt: wall, ...sharingOf(state) }),
  })
  log.trace({ app: app.name, step: 'stored', result: result.kind }, 'protocol')
  if (result.kind === 'changed') return 'changed'
  const { unstored } = ledger
  if (unstored) log.error({ app: app.name, error: unstored.code }, unstored.message)
  state.apply({ type, tokens: tokens ?? received })
  state.scheduleReissue()
  return result.kind
}
