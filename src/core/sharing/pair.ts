/**
 * Which of two records of an app is newer, among all keepers: the one of the newer home, and of one
 * home the one that was stored later.
 */
export interface Pair {
  /** Grows each time that another keeper becomes the home. */
  readonly number: number
  /** The generation of the record. */
  readonly generation: number
}

export function isHigher(one: Pair, other: Pair): boolean {
  return (
    one.number > other.number || (one.number === other.number && one.generation > other.generation)
  )
}

export function isSamePair(one: Pair, other: Pair): boolean {
  return one.number === other.number && one.generation === other.generation
}
