/** XML files of services, of launchd and the Task Scheduler: their text, and a hash that reveals changes by hand. */
import { createHash } from 'node:crypto'

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Undoes `escapeXml`. */
export function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** Adds the hash, in a comment in front of the one that names the program. */
export function addXmlHash(text: string): string {
  return text.replace(/^<!-- The program/m, `${createHashComment(text)}\n$&`)
}

/** Whether `text` is unchanged since `service install` wrote it. */
export function isXmlAsWritten(text: string): boolean {
  const first = /^<!-- Written by .*-->\n/m.exec(text)?.[0]
  return first !== undefined && first === `${createHashComment(text.replace(first, ''))}\n`
}

function createHashComment(text: string): string {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return `<!-- Written by \`evo-token service install\`; SHA-256 of the rest: ${sha256} -->`
}
