/**
 * How often callers may cause a refresh. They share one limit per app, so that a loop in a
 * notebook, or an API that refuses good tokens, cannot wear out the authorization server.
 */
const INTERVAL_MS = 10_000

export interface RefreshLimit {
  /** On the monotonic clock. */
  readonly nextAt: number
  readonly intervalMs: number
  /** The fingerprint of the token that the last refresh for a caller got: its rejection doubles the interval. */
  readonly obtained?: string
}

export const INITIAL_LIMIT: RefreshLimit = { nextAt: -Infinity, intervalMs: INTERVAL_MS }

export function allowsRefresh(limit: RefreshLimit, mono: number): boolean {
  return mono >= limit.nextAt
}

/** The limit after a refresh was allowed at `mono`; `rejected`: the fingerprint of the token that an API refused. */
export function recordRefresh(
  limit: RefreshLimit,
  mono: number,
  rejected: string | undefined,
  maxMs: number,
): RefreshLimit {
  const again = rejected !== undefined && rejected === limit.obtained
  const intervalMs = again
    ? Math.max(INTERVAL_MS, Math.min(limit.intervalMs * 2, maxMs))
    : INTERVAL_MS
  return { nextAt: mono + intervalMs, intervalMs }
}

/** The limit once the refresh has got a token, given by its fingerprint. */
export function recordObtained(limit: RefreshLimit, fingerprint: string | undefined): RefreshLimit {
  const { obtained: _before, ...kept } = limit
  return fingerprint === undefined ? kept : { ...kept, obtained: fingerprint }
}
