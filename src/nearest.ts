/** Suggests the known name that a typed one most likely means. */
import { closest, distance } from 'fastest-levenshtein'

/** The one of `known` that is most like `typed`; undefined where none is similar. */
export function findNearest(typed: string, known: readonly string[]): string | undefined {
  const most = Math.max(2, typed.length / 3)
  // At least as many letters differ as one is longer than the other.
  const near = known.filter(({ length }) => Math.abs(length - typed.length) <= most)
  if (near.length === 0) return undefined
  const found = closest(typed, near)
  return distance(typed, found) <= most ? found : undefined
}
