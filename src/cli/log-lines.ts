/** Log lines as a person reads them: what happened, to which app, and what to do. No JSON. */
import { type JsonObject, parseJsonObject } from '../core/json-object.ts'
import { plain } from './plain.ts'

/** Shown behind the message, in this order. */
const SHOWN_FIELDS = [
  ...['caller', 'reason', 'error', 'path', 'file', 'issuer', 'setting', 'method'],
  'lost',
]

/** A hint that is one command and nothing else. Any other hint is shown whole. */
const ONE_COMMAND = /^[^`:]+: `(evo-token [^`]+)`\.$/

const LEVEL_WORDS: Readonly<Record<string, string>> = {
  warn: 'warning: ',
  error: 'error: ',
  fatal: 'error: ',
}

/** `line` is a line of the log, with or without its line break; what is not JSON is kept. */
export function toPlainLogLine(line: string): string {
  const fields = parseJsonObject(line)
  if (!fields || !('msg' in fields)) return `${plain(line.trimEnd())}\n`
  const { time, level, msg } = fields
  const at = typeof time === 'string' ? `${localClockTime(new Date(time))}  ` : ''
  const isForPerson = typeof fields.need === 'string'
  const rank = isForPerson ? '' : (LEVEL_WORDS[String(level)] ?? '')
  return `${at}${rank}${plain(sentenceOf(String(msg), fields))}\n`
}

function sentenceOf(message: string, fields: JsonObject): string {
  const { app, need, hint, url, err } = fields
  const name = typeof app === 'string' ? app : undefined
  if (message === 'listening') {
    return `evo-token answers at ${String(url)}. It runs until you press Ctrl-C or close this window.`
  }
  if (need === 'recovered') return `${name ?? ''} has recovered.`
  if (need !== undefined && typeof hint === 'string') {
    const command = ONE_COMMAND.exec(hint)?.[1]
    return `${name ?? ''} needs you: ${command ?? `${message} ${hint}`}`
  }
  const shown = SHOWN_FIELDS.flatMap((field) => {
    const value = fields[field]
    return typeof value === 'string' || typeof value === 'number' ? [`${field} ${value}`] : []
  })
  const cause =
    typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : ''
  const details = shown.length > 0 ? ` (${shown.join(', ')})` : ''
  const todo = typeof hint === 'string' ? ` ${hint}` : ''
  return `${name === undefined ? '' : `${name}: `}${message}${cause && `: ${cause}`}${details}${todo}`
}

/** Local time, such as 17:05:09. */
function localClockTime(instant: Date): string {
  return instant.toTimeString().slice(0, 8)
}
