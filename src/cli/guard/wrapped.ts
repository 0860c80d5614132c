/** Joins base64 that was broken into lines, as by `base64` and `openssl`. */
import type { AddedLine } from './diff.ts'
import { OVERLAP_LENGTH } from './lines.ts'
import { toCharacterClass } from './stretches.ts'

/** A block does not begin with a shorter word. */
const FIRST_WORD_MIN_LENGTH = 20

/** How much is joined at once. */
const BLOCK_LENGTH = 1024 * 1024

/** `add` takes added lines one by one, and returns a block when it ends: as one line, at the place of its first. */
export function createUnwrapper() {
  let first: AddedLine | undefined
  let last: AddedLine | undefined
  let words: string[] = []
  let length = 0

  function begin(line?: AddedLine, word = ''): AddedLine | undefined {
    const ended = first && words.length > 1 ? { ...first, text: words.join('') } : undefined
    first = line
    words = [word]
    length = word.length
    return ended
  }

  return {
    add(line: AddedLine): AddedLine | undefined {
      if (!first && line.text.length < FIRST_WORD_MIN_LENGTH) return undefined
      const word = wordIn(line)
      const goesOn = first && last && line.file === last.file && line.line === last.line + 1
      last = line
      if (word === undefined) return begin()
      if (!goesOn) return word.length < FIRST_WORD_MIN_LENGTH ? begin() : begin(line, word)
      words.push(word)
      length += word.length
      return length > BLOCK_LENGTH ? begin(line, words.join('').slice(-OVERLAP_LENGTH)) : undefined
    },
    end: () => begin(),
  }
}

const WORD_CHARACTERS = toCharacterClass(/[\w.~+/=-]/)

/** The only word on a line, without comment marks, quotes, string prefixes, and what joins strings in code. */
function wordIn({ text, first, last }: AddedLine): string | undefined {
  if (!first || !last || text.length > BLOCK_LENGTH) return undefined
  const word = text
    .replace(/^\s*(?:(?:#|\/\/|\*|>)\s+)?(?:[a-z]{0,2}["'`])?/i, '')
    .replace(/(?:["'`]\s{0,4}[+,;)\]}\\]{0,3}|\\)?\s{0,4}$/, '')
  for (let at = 0; at < word.length; at++)
    if (WORD_CHARACTERS[word.charCodeAt(at)] === 0) return undefined
  return word === '' ? undefined : word
}
