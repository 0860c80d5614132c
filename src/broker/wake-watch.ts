/** Notices that the machine slept, that its clock was set, and that its network changed. */
import { compareClocks } from '../core/clocks.ts'
import type { Instant, Reading } from '../core/token.ts'
import type { BrokerDeps } from './broker-deps.ts'

export interface WakeWatchDeps extends Pick<BrokerDeps, 'clock' | 'log' | 'onActivity'> {
  /** Changes when the machine's network does; empty while it has none. */
  readonly networkSignature: () => string
}

/** What has happened since the last look. */
export interface Woken {
  readonly clocks: ReturnType<typeof compareClocks>
  readonly reconnected: boolean
  /** What failed since then has been tried as things are now, although no look had seen that yet. */
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

  /** When it was looked last. */
  get last(): Reading {
    return this.#last
  }

  look(now: Reading): Woken {
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
