/** The words before the cursor, as each shell has them, made what the program would get. */

/** The words, and what of the last one the shell keeps, whatever it is completed to. */
export interface TypedWords {
  readonly words: readonly string[]
  readonly kept: string
}

export function typedWords(shell: string, raw: readonly string[]): TypedWords {
  // fish has taken off the quotes already.
  if (shell === 'fish') return { words: raw, kept: '' }
  if (shell !== 'bash') return { words: raw.map(unquoted), kept: '' }
  const parts = joined(raw)
  const [last = []] = parts.slice(-1)
  // Of a word that it has taken apart, bash completes what is behind the last mark.
  const kept = last.at(-1) === '=' ? last : last.slice(0, -1)
  return { words: parts.map((word) => unquoted(word.join(''))), kept: unquoted(kept.join('')) }
}

/** Bash takes a word apart at `=` and `:` (COMP_WORDBREAKS): `--app=me` is three. */
function joined(raw: readonly string[]): string[][] {
  const words: string[][] = []
  let goesOn = false
  for (const part of raw) {
    const isMark = /^[=:]+$/.test(part)
    const last = words.at(-1)
    if (last && (goesOn || isMark)) last.push(part)
    else words.push([part])
    goesOn = isMark
  }
  return words
}

/** Without quotes and backslashes, as a shell would take them; a quote may still be open. */
function unquoted(word: string): string {
  let quote = ''
  let text = ''
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at)
    if (char === quote) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === '\\' && quote !== "'") text += word.charAt(++at)
    else text += char
  }
  return text
}
