/** Lines of what is read, as they come. A character stands for each byte, so that none is taken for an end of line. */

/** A line, or a piece of one that is too long to be held at once. */
export interface LinePiece {
  readonly text: string
  readonly first: boolean
  readonly last: boolean
}

/** The longest line that is looked at in one piece; far longer than any that a person writes. */
const PIECE = 1024 * 1024

/** What two pieces of a line have in common: more than the longest secret, twice encoded. */
const OVERLAP = 64 * 1024

/** The lines in each chunk of `stream`, which has to be read as latin1. */
export async function* linesOf(stream: AsyncIterable<string>): AsyncGenerator<LinePiece[]> {
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
    if (pending.length > PIECE) {
      found.push({ text: pending, first, last: false })
      pending = pending.slice(-OVERLAP)
      first = false
    }
    yield found
  }
  if (pending !== '' || !first) yield [{ text: pending, first, last: true }]
}
