/** Splits a stream into lines. Texts have a character for each byte, so that only a line feed ends a line. */

/** A line, or a piece of a line that is too long for one piece. */
export interface LinePiece {
  readonly text: string
  readonly first: boolean
  readonly last: boolean
}

/** The longest line that stays in one piece: far longer than any that a person writes. */
const LINE_PIECE_LENGTH = 1024 * 1024

/** How much two pieces of a line, or two blocks of joined lines, have in common: more than the longest secret, twice encoded. */
export const OVERLAP_LENGTH = 64 * 1024

/** The lines in each chunk of `stream`, which has to be read as latin1. */
export async function* splitLines(stream: AsyncIterable<string>): AsyncGenerator<LinePiece[]> {
  let pending = ''
  let first = true
  for await (const chunk of stream) {
    const [head = '', ...lines] = chunk.split('\n')
    const found: LinePiece[] = []
    pending += head
    for (const line of lines) {
      found.push({ text: pending, first, last: true })
      pending = line
      first = true
    }
    if (pending.length > LINE_PIECE_LENGTH) {
      found.push({ text: pending, first, last: false })
      pending = pending.slice(-OVERLAP_LENGTH)
      first = false
    }
    yield found
  }
  if (pending !== '' || !first) yield [{ text: pending, first, last: true }]
}
