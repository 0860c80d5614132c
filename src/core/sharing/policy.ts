/** How long the steps of sharing take and wait, in milliseconds (docs/many-hosts.md). */
export interface SharingPolicy {
  /** Between two looks at what changed. */
  readonly pollMs: number
  /** Between two looks at everything. */
  readonly wholeMs: number
  /** Between two beats of a keeper. */
  readonly beatMs: number
  /** A keeper that has written no beat for this long is silent. */
  readonly silentMs: number
  /** A process that did not run for this long has to be confirmed again. */
  readonly gapMs: number
  /** How long the last question before a request is waited for. */
  readonly questionMs: number
  /** How long its answer holds. */
  readonly questionHoldsMs: number
  /** How long a database has to be watched before it is believed. */
  readonly watchMs: number
  /** How long a process waits for what another under its id may have asked for. */
  readonly cloneMs: number
  /** Between two looks at which databases of the list take writes. */
  readonly primariesMs: number
  /** How far each look reads back: a row becomes visible some time after its time stamp. */
  readonly overlapMs: number
  /** How far some looks read back: a row may become visible that late. */
  readonly lateMs: number
  /** Between two of those. */
  readonly lateEveryMs: number
}

export const SHARING_POLICY: SharingPolicy = {
  pollMs: 500,
  wholeMs: 60_000,
  beatMs: 5_000,
  silentMs: 60_000,
  gapMs: 60_000,
  questionMs: 2_000,
  questionHoldsMs: 5_000,
  watchMs: 120_000,
  // A request lasts for 5 minutes at most after the question before it.
  cloneMs: 310_000,
  primariesMs: 30_000,
  overlapMs: 1_000,
  lateMs: 60_000,
  lateEveryMs: 5_000,
}
