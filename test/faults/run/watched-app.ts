/**
 * One app in a run of random faults, seen from outside: what it met, and from that what must be true
 * of it now. It has the rules of the back-off in it, and nothing of the program that keeps to them.
 */
import type { Arrival } from '../faulty-path.ts'
import { PATH_FAULTS, type PathFault, pathFault } from '../path-faults.ts'
import type { Reply, Status } from '../sidecar.ts'
import { LIFETIME_MS, RETRY_MAX_MS, RETRY_MIN_MS } from '../strict-world.ts'
import type { Chance } from './chance.ts'

export const HEARTBEAT_MS = 5_000

/** One in which it is due, and one in which its turn comes: another app's request may hang before it. */
const LATEST_BEATS = 2

/** What a run counts. */
export interface Tally {
  /** Times each fault was met. */
  readonly met: Map<string, number>
  /** Refreshes that have come to an end: a new token, or the end of the session. */
  refreshes: number
  requests: number
  /** As many as the back-off allows: for each refresh 2 and one per `retryMin` between its first and last. */
  bound: number
  /** The refresh that took the most of them, and how long it took. */
  most: { readonly requests: number; readonly lastedMs: number }
  /** Waits of the back-off, and requests that did not wait for their end. */
  waits: number
  early: number
  /** Ends of sessions: the server rotated and its answer was lost; the server said so; neither. */
  lostAnswers: number
  saidToBeOver: number
  lostWithoutCause: number
  /** Looks at what is served and told. */
  looks: number
  /** From the end of a fault to the request that succeeds, in milliseconds; `late`: over a step and two heartbeats. */
  readonly recoveries: number[]
  late: number
  /** What was not as it must be, in words. */
  readonly wrong: string[]
}

export function createTally(): Tally {
  return {
    met: new Map(),
    refreshes: 0,
    requests: 0,
    bound: 0,
    most: { requests: 0, lastedMs: 0 },
    waits: 0,
    early: 0,
    lostAnswers: 0,
    saidToBeOver: 0,
    lostWithoutCause: 0,
    looks: 0,
    recoveries: [],
    late: 0,
    wrong: [],
  }
}

/** What a request met: a fault, nothing, or a port where nothing listened. */
type Met = PathFault | 'nothing' | 'nobody'

/** From the first request of a refresh to its end. */
interface Refresh {
  readonly beganAt: number
  lastAt: number
  requests: number
  /** In a row, of the same kind. */
  failures: number
  kind?: 'unavailable' | 'misconfigured'
  waitMs: number
  /** When the next request may leave. */
  notBefore: number
  /** Waits that another app's grant has ended: the server answers. */
  endedWaits: number
  faultyUntil: number
}

/** One request, half a minute, three minutes, a quarter of an hour, longer than what is left of a token. */
const LENGTHS_MS = [0, 0, 30_000, 180_000, 900_000, 2_400_000] as const

/** Those that are about single requests; a port where nothing listens is for all at once. */
const FAULTS = PATH_FAULTS.filter(({ happen }) => happen !== 'refuses')

export const NOBODY_LISTENS = pathFault('the connection is refused')

export class WatchedApp {
  readonly name: string
  readonly clientId: string
  readonly #chance: Chance
  readonly #tally: Tally
  #episode: { readonly fault: PathFault; readonly endsAt: number } | undefined
  #refresh: Refresh | undefined
  #met: Met = 'nothing'
  #onTheWay = 0
  /** The session, as what was met says it has to be. */
  #session: Status['session'] = 'active'
  /** The server has spent the refresh token that the daemon has. */
  #spent = false
  #goodUntil = -Infinity
  #token: unknown
  #renewed = false
  /** When it is due next, on the daemon's wall clock; as it says itself. */
  dueAt = Infinity
  /** Whether the daemon has a request of it under way, or an answer to store. */
  waits = false
  /** Whether something has happened to it since it was looked at. */
  touched = false

  constructor(name: string, clientId: string, chance: Chance, tally: Tally) {
    this.name = name
    this.clientId = clientId
    this.#chance = chance
    this.#tally = tally
  }

  get signedOut(): boolean {
    return this.#session === 'signed-out'
  }

  isServed(now: number): boolean {
    return now < this.#goodUntil
  }

  signedIn(now: number): void {
    this.#session = 'active'
    this.#spent = false
    this.#refresh = this.#episode = undefined
    this.#onTheWay = 0
    this.#goodUntil = now + LIFETIME_MS
    this.#renewed = true
  }

  /** What this app's next request meets. */
  choose(now: number): PathFault | undefined {
    if (this.#episode && now >= this.#episode.endsAt) this.#episode = undefined
    // Only a refresh that has met nothing yet: so it shows how each fault is recovered from.
    if (!this.#episode && this.#refresh?.failures === 0 && this.#chance.happens(0.85)) {
      const length = this.#chance.pick(LENGTHS_MS)
      this.#episode = { fault: this.#chance.pick(FAULTS), endsAt: now + length }
      this.#refresh.faultyUntil = now + length
    }
    const fault = this.#episode?.fault
    this.#met = fault ?? 'nothing'
    if (fault) this.#count(fault.name)
    return fault
  }

  /** The daemon is about to send a request. */
  began(): void {
    this.touched = this.waits = true
  }

  /** A request has left the daemon. Where it comes is another matter. */
  sent(now: number): void {
    this.#onTheWay++
    this.#met = 'nobody'
    this.#tally.requests++
    this.#refresh ??= {
      beganAt: now,
      lastAt: now,
      requests: 0,
      failures: 0,
      waitMs: 0,
      notBefore: -Infinity,
      endedWaits: 0,
      faultyUntil: now,
    }
    const refresh = this.#refresh
    refresh.requests++
    refresh.lastAt = now
    if (refresh.failures > 0) this.#tally.waits++
    if (now < refresh.notBefore) this.#tally.early++
  }

  /** The daemon has drawn its conclusions from an answer, or from having none. */
  answered(): void {
    this.waits = false
  }

  /** @param jitter what the daemon drew for this wait. */
  failed(kind: 'unavailable' | 'misconfigured', now: number, jitter: number): void {
    const refresh = this.#refresh
    if (!refresh) return
    const met = this.#met
    if (met === 'nobody') this.#count(NOBODY_LISTENS.name)
    refresh.faultyUntil = Math.max(refresh.faultyUntil, now)
    refresh.failures = kind === refresh.kind ? refresh.failures + 1 : 1
    refresh.kind = kind
    refresh.waitMs = waitMs(kind, refresh.failures, met, jitter)
    const atOnce = refresh.failures === 1 && typeof met === 'object' && met.requests === 2
    refresh.notBefore = atOnce ? now : now + refresh.waitMs
  }

  /** Another app of the issuer was granted a token. */
  waitEnded(now: number): void {
    const refresh = this.#refresh
    if (!refresh) return
    refresh.notBefore = now
    refresh.endedWaits++
  }

  granted(now: number): void {
    const refresh = this.#refresh
    if (refresh && refresh.failures > 0) {
      const delayMs = Math.max(0, refresh.lastAt - refresh.faultyUntil)
      this.#tally.recoveries.push(delayMs)
      if (delayMs > refresh.waitMs + LATEST_BEATS * HEARTBEAT_MS) this.#tally.late++
    }
    this.#goodUntil = now + LIFETIME_MS
    this.#renewed = true
    this.#close()
  }

  /** A request is over: what has the server made of it, whatever became of its answer? */
  ended({ met, serverStatus }: Arrival): void {
    this.#onTheWay--
    const fault = met === undefined ? undefined : pathFault(met)
    if (fault?.session === 'may be lost' && serverStatus === 200) this.#spent = true
    this.#session = fault?.says.session ?? (serverStatus === 200 ? 'active' : 'signed-out')
    if (this.#session === 'signed-out') this.#lost(fault)
  }

  /** Everything that has left is over: what has not arrived by now found nothing that listens. */
  settled(): void {
    if (this.#onTheWay > 0) this.#session = 'retrying'
    this.#onTheWay = 0
  }

  look(now: number, token: Reply, status: Status, readyz: Reply): void {
    this.#tally.looks++
    this.touched = false
    this.dueAt = Date.parse(status.retry_at ?? status.refresh_at ?? '') || Infinity
    const served = token.status === 200
    const { access_token: value } = token.body
    const good = this.isServed(now)
    if (served !== good)
      this.#complain(good ? 'the good token is not served' : 'an expired token is served')
    if (served && value === this.#token && this.#renewed)
      this.#complain('the new token is not served')
    if (served) [this.#token, this.#renewed] = [value, false]
    if (status.session !== this.#session) {
      this.#complain(`the session is told to be ${status.session}, and is ${this.#session}`)
    }
    const { ready, reason } = readinessIn(readyz, this.name)
    const expected = good ? null : REASONS[this.#session]
    if (ready !== good || reason !== expected || (readyz.status === 200) !== good) {
      this.#complain(`readyz says ${String(reason)} instead of ${String(expected)}`)
    }
    if (!served && token.body.error !== expected) {
      this.#complain(`callers are told ${String(token.body.error)} instead of ${String(expected)}`)
    }
  }

  #lost(fault: PathFault | undefined): void {
    if (fault?.session === 'ended') this.#tally.saidToBeOver++
    else if (this.#spent) this.#tally.lostAnswers++
    else this.#tally.lostWithoutCause++
    this.#close()
  }

  #close(): void {
    const refresh = this.#refresh
    if (!refresh) return
    this.#tally.refreshes++
    const { requests, beganAt, endedWaits, lastAt } = refresh
    const allowed = 2 + endedWaits + Math.floor((lastAt - beganAt) / RETRY_MIN_MS)
    this.#tally.bound += allowed
    if (requests > this.#tally.most.requests) {
      this.#tally.most = { requests, lastedMs: lastAt - beganAt }
    }
    if (requests > allowed) this.#complain(`${requests} requests instead of ${allowed}`)
    this.#refresh = undefined
  }

  #count(fault: string): void {
    const { met } = this.#tally
    met.set(fault, (met.get(fault) ?? 0) + 1)
  }

  #complain(what: string): void {
    const met = typeof this.#met === 'object' ? this.#met.name : this.#met
    this.#tally.wrong.push(`${this.name}, which met last "${met}": ${what}`)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  active: 'unavailable',
  retrying: 'unavailable',
  misconfigured: 'misconfigured',
  'signed-out': 'login_required',
}

function readinessIn({ body }: Reply, app: string) {
  const { apps } = body as { apps: Record<string, { ready: boolean; reason: string | null }> }
  return apps[app] ?? { ready: undefined, reason: undefined }
}

/** What the server asked for; else between `retryMin` and a bound that doubles up to `retryMax`. */
function waitMs(
  kind: 'unavailable' | 'misconfigured',
  failures: number,
  met: Met,
  jitter: number,
): number {
  if (kind === 'misconfigured') return RETRY_MAX_MS
  if (typeof met === 'object' && met.retryAfterS !== undefined) return met.retryAfterS * 1000
  const bound = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures)
  return Math.round(RETRY_MIN_MS + jitter * (bound - RETRY_MIN_MS))
}
