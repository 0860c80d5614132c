/** What came of an app's requests for tokens, counted. */
import type { SessionEvent } from './session.ts'

type Outcome = 'granted' | 'rejected' | 'misconfigured' | 'unavailable'

export type RenewalCounts = Readonly<Record<Outcome, number>>

export const NO_RENEWALS: RenewalCounts = {
  granted: 0,
  rejected: 0,
  misconfigured: 0,
  unavailable: 0,
}

export function countRenewal(counts: RenewalCounts, { type }: SessionEvent): RenewalCounts {
  const outcome = outcomeOfEvent(type)
  return outcome === undefined ? counts : { ...counts, [outcome]: counts[outcome] + 1 }
}

function outcomeOfEvent(type: SessionEvent['type']): Outcome | undefined {
  switch (type) {
    case 'signed-in':
      return 'granted'
    case 'granted':
    case 'rejected':
    case 'misconfigured':
    case 'unavailable':
      return type
    case 'wait-over':
    case 'issuer-answers':
    case 'signed-out':
      return undefined
  }
}
