/**
 * Finds stretches of characters of one kind, by loops over tables. Regular expressions overflow their stack on a
 * line of many MB, or try a long stretch again from each of its characters.
 */

/** 1 for each code from 0 to 255 that is of the kind. */
export type CharacterClass = Uint8Array

export function toCharacterClass(pattern: RegExp): CharacterClass {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    pattern.test(String.fromCharCode(code)) ? 1 : 0,
  )
}

/** The start and end of each stretch of `kind` in `text` that is at least `shortest` long. */
export function stretchesIn(
  text: string,
  kind: CharacterClass,
  shortest: number,
): (readonly [start: number, end: number])[] {
  const found: (readonly [number, number])[] = []
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && kind[text.charCodeAt(at)] === 1) continue
    if (at - start >= shortest) found.push([start, at])
    start = at + 1
  }
  return found
}
