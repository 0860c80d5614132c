/** Turns the words before the cursor, as each shell passes them, into the arguments that the program would get. */

/** `kept` is the part of the last word that the shell keeps. */
export interface TypedWords {
  readonly words: readonly string[]
  readonly kept: string
}

export function splitTypedWords(shell: string, raw: readonly string[]): TypedWords {
  // fish removes the quotes itself.
  if (shell === 'fish') return { words: raw, kept: '' }
  if (shell === 'powershell') {
    const words = raw.map((word, at) => (at === raw.length - 1 ? word.replace(/^\+/, '') : word))
    return { words: words.map(withoutQuotes), kept: '' }
  }
  if (shell !== 'bash') return { words: raw.map(unquote), kept: '' }
  const parts = joinParts(raw)
  const [last = []] = parts.slice(-1)
  // Bash completes only the part of a split word that follows the last mark.
  const kept = last.at(-1) === '=' ? last : last.slice(0, -1)
  return { words: parts.map((word) => unquote(word.join(''))), kept: unquote(kept.join('')) }
}

/** Bash splits words at `=` and `:` (COMP_WORDBREAKS): `--app=me` is three. */
function joinParts(raw: readonly string[]): string[][] {
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

/** For PowerShell, where a backslash is part of a path; a quote may still be open. */
function withoutQuotes(word: string): string {
  const [, quote, text = ''] = /^(['"])(.*)$/s.exec(word) ?? []
  return quote === undefined ? word : text.replace(new RegExp(`${quote}$`), '')
}

/** Without quotes and backslashes, as a shell would take them; a quote may still be open. */
function unquote(word: string): string {
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
