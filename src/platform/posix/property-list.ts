/** Fills `launchd/evo-token.plist` with this machine's paths. */
import { SidecarError } from '../../errors.ts'
import { configIn } from '../service-manager.ts'
import { addXmlHash, escapeXml, unescapeXml } from '../service-xml.ts'

export interface AgentFilling {
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly log: string
  /** Changes when the program does. */
  readonly program: string
}

/** @throws {SidecarError} `failed` for a path that no property list can hold. */
export function fillAgent(template: string, { command, log, program }: AgentFilling): string {
  const words = command.map((one) => `      ${toStringElement(one)}\n`).join('')
  const text = template
    .replace(/<!-- evo-token[^]*?-->/, () => `<!-- The program: ${program} -->`)
    .replace(/(<array>\n)[^]*?( *<\/array>)/, (_, open: string, close: string) =>
      [open, words, close].join(''),
    )
    .replace(
      /(<key>Standard(?:Out|Error)Path<\/key>\n *)<string>.*<\/string>/g,
      (_, key: string) => `${key}${toStringElement(log)}`,
    )
  return addXmlHash(text)
}

/** The config that the agent names. */
export function configInAgent(text: string): string | undefined {
  const strings = [...text.matchAll(/<string>(.*?)<\/string>/g)]
  return configIn(strings.map(([, string = '']) => unescapeXml(string)))
}

function toStringElement(text: string): string {
  // XML 1.0 §2.2 forbids these characters, and a parser would change a line break.
  if (/[\x00-\x1f]/.test(text)) {
    throw new SidecarError('failed', 'A path contains a control character.')
  }
  return `<string>${escapeXml(text)}</string>`
}
