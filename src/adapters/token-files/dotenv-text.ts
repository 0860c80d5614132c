/** Sets or removes one variable in the text of a `.env`; every other line stays as it is. */

import { SidecarError } from '../../errors.ts'

/**
 * The text with `variable` set, and every earlier setting of it replaced.
 *
 * @throws {SidecarError} `failed` where a `.env` cannot hold the value.
 */
export function withVariable(text: string, variable: string, value: string): string {
  const setting = assignmentOf(variable)
  const shown = quoteIfNeeded(value)
  if (text.split('\n').some((line) => setting.test(line))) {
    return text
      .split('\n')
      .map((line) => line.replace(setting, (_, before: string) => `${before}${shown}`))
      .join('\n')
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const gap = text === '' || text.endsWith('\n') ? '' : newline
  return `${text}${gap}${variable}=${shown}${newline}`
}

export function withoutVariable(text: string, variable: string): string {
  const setting = assignmentOf(variable)
  return text
    .split('\n')
    .filter((line) => !setting.test(line))
    .join('\n')
}

/**
 * A line that sets it. A carriage return at its end is not part of the value, and the byte order mark of
 * UTF-8, which editors on Windows write, is not part of the name.
 */
function assignmentOf(variable: string): RegExp {
  return new RegExp(`^((?:\\u00ef\\u00bb\\u00bf)?\\s*(?:export\\s+)?${variable}\\s*=).*?(?=\\r?$)`)
}

/** Programs that read `.env` files agree on plain words and single quotes, and on little else. */
function quoteIfNeeded(value: string): string {
  if (/^[\w.~+/=-]+$/.test(value)) return value
  if (/['\n\r]/.test(value)) {
    throw new SidecarError('failed', 'The token has characters that a .env file cannot hold.', {
      hint: 'Use another format, such as json.',
    })
  }
  return `'${value}'`
}
