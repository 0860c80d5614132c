/** Suggests the known name that a typed one most likely means. */
import { closest, distance } from 'fastest-levenshtein'

/** The one of `known` that is most like `typed`; undefined where none is similar. */
export function findNearest(typed: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined
  const found = closest(typed, known)
  return distance(typed, found) <= Math.max(2, typed.length / 3) ? found : undefined
}
