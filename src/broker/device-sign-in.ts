/** Signing in on another device (RFC 8628): the heartbeat polls until the person is done. */
import type { Clock } from '../core/ports.ts'
import type { PollOutcome } from '../core/authorization-server.ts'
import type { DeviceSignIn, PendingSignIn } from './pending-sign-in.ts'
import { toFailedSignIn } from './sign-in-end.ts'
import { unwrapResult } from './sign-in-errors.ts'
import { clientSecretsOf } from './secrets.ts'

/** RFC 8628 §3.5: what `slow_down` adds to the interval. */
const SLOW_DOWN_MS = 5_000

/** @throws {SidecarError} `misconfigured` where the server has no device flow, `unavailable`, `stopping`. */
export async function startOnDevice(signIn: PendingSignIn, clock: Clock): Promise<DeviceSignIn> {
  const { state } = signIn.managedApp
  const [secret] = clientSecretsOf(state)
  const authorization = unwrapResult(await state.registration.server.authorizeDevice(secret))
  const { intervalMs } = authorization
  const nextPollAt = clock.read().mono + intervalMs
  const way: DeviceSignIn = { method: 'device', authorization, intervalMs, nextPollAt }
  signIn.begin(way)
  return way
}

/** Polls once, if it is time. Fire-and-forget: failures are logged here. */
export function pollIfDue(signIn: PendingSignIn, clock: Clock): void {
  const { way } = signIn
  if (signIn.busy || way?.method !== 'device' || clock.read().mono < way.nextPollAt) return
  poll(signIn, way, clock).catch((error: unknown) => {
    const { log } = signIn.managedApp.state.deps
    log.error({ app: signIn.app, err: error }, 'polling a device sign-in failed')
    signIn.finish(toFailedSignIn('internal', 'See the log of the daemon.'))
  })
}

async function poll(signIn: PendingSignIn, way: DeviceSignIn, clock: Clock): Promise<void> {
  const { server } = signIn.managedApp.state.registration
  const end = await signIn.redeem(async (secret) => {
    const prepared = await server.preparePoll(way.authorization, secret)
    if (prepared.kind === 'settled') {
      return { kind: 'settled', outcome: morePatient(prepared.outcome) }
    }
    return { kind: 'ready', send: async (question) => morePatient(await prepared.send(question)) }
  })
  if ('slowDown' in end && end.slowDown) way.intervalMs += SLOW_DOWN_MS
  way.nextPollAt = clock.read().mono + way.intervalMs
}

/** A poll without an answer is repeated at a longer interval (RFC 8628 §3.5). */
function morePatient(outcome: PollOutcome): PollOutcome {
  return outcome.kind === 'unavailable' ? { kind: 'pending', slowDown: true } : outcome
}
