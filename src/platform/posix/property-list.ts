/** `launchd/evo-token.plist` with this machine's paths in it, signed so that a change by hand is seen. */
import { createHash } from 'node:crypto'
import { SidecarError } from '../../errors.ts'

export interface AgentFilling {
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly log: string
  /** Changes when the program does. */
  readonly program: string
}

/** @throws {SidecarError} `failed` for a path that no property list can hold. */
export function fillAgent(template: string, { command, log, program }: AgentFilling): string {
  const words = command.map((one) => `      ${string(one)}\n`).join('')
  const text = template
    .replace(/<!-- evo-token[^]*?-->/, () => `<!-- The program: ${program} -->`)
    .replace(/(<array>\n)[^]*?( *<\/array>)/, (_, open: string, close: string) =>
      [open, words, close].join(''),
    )
    .replace(
      /(<key>Standard(?:Out|Error)Path<\/key>\n *)<string>.*<\/string>/g,
      (_, key: string) => `${key}${string(log)}`,
    )
  return text.replace(/^<!-- The program/m, `${mark(text)}\n$&`)
}

/** Whether `text` is as a `service install` wrote it. */
export function isAgentAsWritten(text: string): boolean {
  const first = /^<!-- Written by .*-->\n/m.exec(text)?.[0]
  return first !== undefined && first === `${mark(text.replace(first, ''))}\n`
}

function mark(text: string): string {
  const sha256 = createHash('sha256').update(text).digest('hex')
  return `<!-- Written by \`evo-token service install\`; SHA-256 of the rest: ${sha256} -->`
}

function string(text: string): string {
  // XML 1.0 §2.2 has no such characters, and a line break would not come back as it was.
  if (/[\x00-\x1f]/.test(text)) {
    throw new SidecarError('failed', 'A path has a control character in it.')
  }
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<string>${escaped}</string>`
}
