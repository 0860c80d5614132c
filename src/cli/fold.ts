/** Fits text for people to their terminal: it breaks between words, where a terminal would break within them. */

/** Words, and what stands in backticks: people copy that, so it stays in one piece. */
const PIECE = /(?:`[^`]*`|[^\s`])+/g

/** What a line begins with that its other lines stand behind: blanks, or a label and two blanks at least. */
const LABEL = /^ *(?:\S+(?: \S+)* {2,})?/

const LONGEST_LABEL = 24

/** Unchanged where the stream is no terminal. */
export function fold(
  text: string,
  { isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
): string {
  if (!isTTY || !columns) return text
  return text
    .split('\n')
    .map((line) => (line.length > columns ? foldLine(line, columns) : line))
    .join('\n')
}

function foldLine(line: string, columns: number): string {
  const [label = ''] = LABEL.exec(line) ?? []
  const indent = label.length > LONGEST_LABEL ? 0 : label.length
  const width = Math.max(1, columns - indent)
  return line.slice(0, indent) + wrapText(line.slice(indent), width).join(`\n${' '.repeat(indent)}`)
}

/** The lines of a text; a piece that is longer than a line has one of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  for (const piece of text.match(PIECE) ?? []) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + piece.length > width) lines.push(piece)
    else lines[lines.length - 1] = `${last} ${piece}`
  }
  return lines
}
