/** What a keeper has to do about an app whose row and whose record on its disk are not the same. */
import type { Sharing } from '../vault.ts'
import { isHigher, isSamePair, type Pair } from './pair.ts'
import type { RowHead } from './shared-store.ts'

/**
 * `in-step`     row and disk are the same, or neither has anything
 * `introduce`   the app's session was never published, and is alone
 * `publish`     the row is behind what this home has on its disk
 * `outbid`      the row names another home under the number of this one, which no keeper writes
 * `take-in`     the row names this keeper with what is newer than its disk: to the disk first
 * `stand-down`  another keeper became the home
 * `hand-over`   the row is behind what this keeper gave away
 * `vacate`      the row names this keeper, whose disk no longer has the session
 * `swap`        a sign-in here has to become the session of all keepers
 * `settle`      a sign-in here has become the session of all keepers
 * `give-way`    the row was changed while a person signed in here
 * `elsewhere`   another keeper is the home, and this one knows it
 * `apart`       another keeper has published a session of the app, and this one has one of its own
 */
export type Verdict =
  | 'in-step'
  | 'introduce'
  | 'publish'
  | 'outbid'
  | 'take-in'
  | 'stand-down'
  | 'hand-over'
  | 'vacate'
  | 'swap'
  | 'settle'
  | 'give-way'
  | 'elsewhere'
  | 'apart'

/** What the disk says of the app. */
export interface OnDisk {
  readonly generation: number
  /** Whether there is a token on it. */
  readonly hasSession: boolean
  /** Undefined for a session that was never published. */
  readonly sharing: Sharing | undefined
}

/**
 * @param me id of this keeper.
 * @param known the revision that this process last wrote or took in.
 */
export function judgeRow(
  me: string,
  { generation, hasSession, sharing }: OnDisk,
  row: RowHead | undefined,
  known: string | undefined,
): Verdict {
  if (!sharing) return judgeUnpublished(me, { generation, hasSession }, row)
  const pair = { number: sharing.number, generation }
  if (sharing.pending !== undefined) return judgePending(me, sharing, row)
  if (sharing.home !== me) return judgeGivenUp(me, sharing, pair, row)
  if (!row) return 'publish'
  if (isHigher(row, pair)) return row.home === me ? 'take-in' : 'stand-down'
  if (row.home !== me && row.number === sharing.number) return 'outbid'
  const isOurs = row.home === me && isSamePair(row, pair) && row.revision === known
  return isOurs ? 'in-step' : 'publish'
}

function judgeUnpublished(
  me: string,
  { generation, hasSession }: Pick<OnDisk, 'generation' | 'hasSession'>,
  row: RowHead | undefined,
): Verdict {
  if (!row) return hasSession ? 'introduce' : 'in-step'
  // This keeper stopped sharing and is back; or its disk has lost what it published.
  if (row.home === me) return hasSession && generation >= row.generation ? 'introduce' : 'take-in'
  return hasSession ? 'apart' : 'elsewhere'
}

function judgePending(me: string, sharing: Sharing, row: RowHead | undefined): Verdict {
  if (row?.home === me && row.number === sharing.number) return 'settle'
  return (row?.revision ?? null) === sharing.pending ? 'swap' : 'give-way'
}

function judgeGivenUp(
  me: string,
  { handedOver }: Sharing,
  pair: Pair,
  row: RowHead | undefined,
): Verdict {
  if (row?.home === me && isHigher(row, pair)) return 'take-in'
  if (handedOver && (!row || isHigher(pair, row))) return 'hand-over'
  return row?.home === me ? 'vacate' : 'elsewhere'
}
