/**
 * How often callers may cause a refresh. They share one limit per app, so that a loop in a
 * notebook, or an API that refuses good tokens, cannot wear out the authorization server.
 */
const INTERVAL_MS = 10_000

export interface RefreshLimit {
  /** On the monotonic clock. */
  readonly nextAt: number
  readonly intervalMs: number
  /** The token that the last demand brought; a rejection of that one doubles the interval. */
  readonly obtained?: string
}

export const INITIAL_LIMIT: RefreshLimit = { nextAt: -Infinity, intervalMs: INTERVAL_MS }

export function allowsRefresh(demand: RefreshLimit, mono: number): boolean {
  return mono >= demand.nextAt
}

/** The limit after a demand was let through at `mono`, because `rejected` (a fingerprint) was refused, if it was. */
export function recordRefresh(
  demand: RefreshLimit,
  mono: number,
  rejected: string | undefined,
  maxMs: number,
): RefreshLimit {
  const again = rejected !== undefined && rejected === demand.obtained
  const intervalMs = again
    ? Math.max(INTERVAL_MS, Math.min(demand.intervalMs * 2, maxMs))
    : INTERVAL_MS
  return { nextAt: mono + intervalMs, intervalMs }
}

/** The limit, knowing which token (a fingerprint) the demand brought. */
export function recordObtained(
  demand: RefreshLimit,
  fingerprint: string | undefined,
): RefreshLimit {
  const { obtained: _before, ...kept } = demand
  return fingerprint === undefined ? kept : { ...kept, obtained: fingerprint }
}
