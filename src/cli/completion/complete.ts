/**
 * `__complete SHELL -- WORD…`, for the scripts that `completion` prints: lists what can complete the last
 * word. A daemon that does not answer is no error: this runs whenever a person presses Tab.
 */
import type { Io } from '../io.ts'
import { toChoice, type Choice, offerFor } from './offer.ts'
import { splitTypedWords } from './typed-words.ts'

export async function complete(
  [shell = '', , ...raw]: readonly string[],
  { env, stdout }: Pick<Io, 'env' | 'stdout'>,
): Promise<number> {
  const { words, kept } = splitTypedWords(shell, raw)
  const offer = await offerFor(words)
  switch (offer.kind) {
    case 'choices':
      stdout.write(linesOf(offer.choices))
      break
    case 'app':
    case 'caller': {
      const { namesOf } = await import('./known-names.ts')
      const names = await namesOf(offer.kind, words.slice(0, -1), env)
      stdout.write(linesOf(names.map((name) => toChoice(offer.prefix, name))))
      break
    }
    case 'file':
      stdout.write(':files\n')
      break
    case 'directory':
      stdout.write(':directories\n')
      break
    case 'command':
      stdout.write(
        shell !== 'bash'
          ? `:${offer.behind}\n`
          : offer.behind === words.length
            ? ':programs\n'
            : ':files\n',
      )
  }
  return 0

  function linesOf(choices: readonly Choice[]): string {
    const lines = choices.map(({ word, says }) => (says === '' ? word : `${word}\t${says}`))
    if (shell !== 'bash') return lines.map((line) => `${line}\n`).join('')
    // zsh and fish filter by the last word themselves, and also find near matches.
    const fitting = choices.filter(({ word }) => word.startsWith(words.at(-1) ?? ''))
    return fitting.map(({ word }) => `${word.slice(kept.length)}\n`).join('')
  }
}
