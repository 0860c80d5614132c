/**
 * Stretches of characters of one kind in a text. Loops over tables and no regular expressions: those
 * overflow their stack on a line of many MB, or try each start of a long stretch anew.
 */

/** For each code from 0 to 255, whether it is of the kind. */
export type Kind = Uint8Array

export function kindOf(pattern: RegExp): Kind {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    pattern.test(String.fromCharCode(code)) ? 1 : 0,
  )
}

/** Where each longest stretch of `kind` begins and ends in `text`, those under `shortest` left out. */
export function* stretchesIn(
  text: string,
  kind: Kind,
  shortest: number,
): Generator<readonly [start: number, end: number]> {
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && kind[text.charCodeAt(at)] === 1) continue
    if (at - start >= shortest) yield [start, at]
    start = at + 1
  }
}
