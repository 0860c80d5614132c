/**
 * Lets the requests of one issuer's apps that spend a token leave in turn; `core/spending-turns.ts`
 * says how many at once.
 */
import type { Clock } from '../core/ports.ts'
import type { IssuerTurns, Turn, WaitingRequest } from '../core/registration.ts'
import { mayLeave, SLOW_REQUEST_MS, usualAfter } from '../core/spending-turns.ts'
import type { Sleep } from './wait-at-most.ts'

interface QueuedRequest {
  readonly request: WaitingRequest
  readonly begin: (turn: Turn) => void
}

export interface IssuerTurnsDeps {
  readonly clock: Clock
  readonly sleep: Sleep
}

export function createIssuerTurns({ clock, sleep }: IssuerTurnsDeps): IssuerTurns {
  const waiting = new Set<QueuedRequest>()
  /** The requests that are out, and when the turn of each began, on the monotonic clock. */
  const out = new Map<Turn, number>()
  let usualMs = 0
  let timer: AbortController | undefined

  function begin(): Turn {
    const since = clock.read().mono
    const turn: Turn = {
      end(answered) {
        if (!out.delete(turn)) return
        if (answered) usualMs = usualAfter(usualMs, clock.read().mono - since)
        look()
      },
    }
    out.set(turn, since)
    return turn
  }

  function look(): void {
    while (waiting.size > 0 && mayLeave(state())) {
      const next = chooseFirst(waiting)
      waiting.delete(next)
      next.begin(begin())
    }
    lookAgainLater()
  }

  function state() {
    const { mono } = clock.read()
    const outForMs = [...out.values()].map((since) => mono - since)
    return { outForMs, waiting: waiting.size, usualMs }
  }

  /** A request that becomes slow lets the next one leave, and no event tells that it has. */
  function lookAgainLater(): void {
    if (waiting.size === 0) {
      timer?.abort()
      timer = undefined
    }
    if (timer || waiting.size === 0) return
    const started = new AbortController()
    timer = started
    sleep(SLOW_REQUEST_MS, started.signal).then(
      () => {
        timer = undefined
        look()
      },
      // Aborted: no request is waiting.
      () => undefined,
    )
  }

  return {
    take: (request) =>
      new Promise((resolve) => {
        waiting.add({ request, begin: resolve })
        look()
      }),
    takeAtOnce: begin,
    beat: look,
  }
}

/** Those whose callers wait come first, then the one whose token ends first. */
function chooseFirst(waiting: ReadonlySet<QueuedRequest>): QueuedRequest {
  let first: QueuedRequest | undefined
  // Kept in variables: with 10,000 apps waiting, all are looked at whenever one leaves.
  let firstIsWanted = false
  let firstEndsAt = Infinity
  for (const candidate of waiting) {
    const isWanted = candidate.request.callersWaiting > 0
    const { endsAt } = candidate.request
    const isEarlier = isWanted === firstIsWanted ? endsAt < firstEndsAt : isWanted
    if (first && !isEarlier) continue
    first = candidate
    firstIsWanted = isWanted
    firstEndsAt = endsAt
  }
  if (!first) throw new Error('no request waits')
  return first
}
