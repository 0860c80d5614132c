/** Records an event of an app's session in its activity. */
import { activityKinds, type RenewalCause } from '../core/activity.ts'
import type { App } from '../core/app.ts'
import { OWNER_NAME } from '../core/names.ts'
import type { Session, SessionEvent } from '../core/session.ts'
import type { BrokerDeps } from './broker-deps.ts'
import type { OutstandingRequest } from './outstanding-requests.ts'

const OWNERS_CAUSE: RenewalCause = { cause: 'owner', caller: OWNER_NAME }

/** What is known of the app when the event has been applied. */
interface ActivityContext {
  readonly app: App
  readonly deps: Pick<BrokerDeps, 'clock' | 'onActivity'>
  readonly session: Session
  readonly outstanding: Iterable<OutstandingRequest>
  /** Why the renewal under way began. */
  readonly renewalCause: RenewalCause | undefined
}

/** @param before the session that `event` has changed. */
export function recordActivity(state: ActivityContext, before: Session, event: SessionEvent): void {
  const { app, deps, renewalCause, session } = state
  const isOwners = event.type === 'signed-in' || event.type === 'signed-out'
  // Outside of a renewal a token is granted only when the owner stores a new client secret.
  const { cause, caller = null } = renewalCause && !isOwners ? renewalCause : OWNERS_CAUSE
  const durationMs = requestDuration(state, event.type === 'signed-in')
  const fingerprint = session.tokens?.accessToken.fingerprint ?? null
  for (const kind of activityKinds(before, event)) {
    deps.onActivity({
      kind,
      app: app.name,
      caller,
      fingerprint,
      ...(kind !== 'recovered' && { durationMs, ...(!isOwners && { cause }) }),
    })
  }
}

/** How long the request that is being concluded has been out, in milliseconds; null where none was sent. */
function requestDuration(
  { deps, outstanding }: ActivityContext,
  isRedemption: boolean,
): number | null {
  const request = [...outstanding].find(({ kind }) => (kind === 'redemption') === isRedemption)
  return request ? Math.round(deps.clock.read().mono - request.startedAt) : null
}
