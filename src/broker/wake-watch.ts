/** Notices that the machine slept, that its clock was set, and that its network changed. */
import { compareClocks } from '../core/clocks.ts'
import type { Instant, Reading } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import type { BrokerDeps } from './broker-deps.ts'

export interface WakeWatchDeps extends Pick<BrokerDeps, 'clock' | 'log' | 'onActivity'> {
  /** Changes when the machine's network does; empty while it has none. */
  readonly networkSignature: () => string
}

/** What has happened since the last look. */
export interface WakeReport {
  readonly clocks: ReturnType<typeof compareClocks>
  readonly reconnected: boolean
  /** Attempts that failed after this instant were made after the wake, so their waits stay. */
  readonly awakeSince: Instant
}

export class WakeWatch {
  readonly #deps: WakeWatchDeps
  #last: Reading
  #network: string

  constructor(deps: WakeWatchDeps) {
    this.#deps = deps
    this.#last = deps.clock.read()
    this.#network = deps.networkSignature()
  }

  /** The clocks at the last look. */
  get last(): Reading {
    return this.#last
  }

  look(now: Reading): WakeReport {
    const { log, networkSignature, onActivity } = this.#deps
    const elapsedMs = now.mono - this.#last.mono
    const clocks = compareClocks(this.#last, now)
    const jumpMs = now.wall - this.#last.wall - elapsedMs
    this.#last = now
    const network = networkSignature()
    const reconnected = network !== this.#network && network !== ''
    this.#network = network
    if (clocks !== 'steady') log.info({ clocks }, 'the wall clock jumped')
    if (clocks === 'jumped') onActivity({ kind: 'slept', durationMs: Math.round(jumpMs) })
    if (reconnected) log.info({}, 'the network changed')
    return { clocks, reconnected, awakeSince: now.wall - elapsedMs }
  }
}

/** Ends the waits that a wake or a new network makes needless, and computes schedules again where the clock was set back. */
export function applyWake(
  { clocks, reconnected, awakeSince }: WakeReport,
  states: readonly AppState[],
): void {
  for (const state of states) {
    if (reconnected) state.apply({ type: 'wait-over' })
    else if (clocks === 'jumped') state.apply({ type: 'wait-over', before: awakeSince })
    if (clocks === 'set-back') state.scheduleReissue()
  }
}
