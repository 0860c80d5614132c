/** Fills `windows/evo-token.xml` with this machine's paths. */
import { SidecarError } from '../../errors.ts'
import { configIn } from '../service-manager.ts'
import { addXmlHash, escapeXml, unescapeXml } from '../service-xml.ts'

export interface TaskFilling {
  /** The SID of the user who logs on. */
  readonly user: string
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]]
  /** Changes when the program does. */
  readonly program: string
}

/** @throws {SidecarError} `failed` for a path that no task of Windows can hold. */
export function fillTask(template: string, { user, command, program }: TaskFilling): string {
  const [file, ...args] = command
  const text = template
    .replace(/<!-- evo-token[^]*?-->/, () => `<!-- The program: ${program} -->`)
    .replace(/<UserId>.*<\/UserId>/g, () => `<UserId>${escapeXml(user)}</UserId>`)
    .replace(/<Command>.*<\/Command>/, () => `<Command>${escapeXml(file)}</Command>`)
    .replace(
      /<Arguments>.*<\/Arguments>/,
      () => `<Arguments>${args.map((one) => escapeXml(quoteArgument(one))).join(' ')}</Arguments>`,
    )
  return addXmlHash(text)
}

/** The config that the task names. */
export function configInTask(text: string): string | undefined {
  const line = unescapeXml(/<Arguments>(.*)<\/Arguments>/.exec(text)?.[1] ?? '')
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)]
  // Backslashes before a quote are doubled.
  return configIn(words.map(([, quoted = '', plain]) => plain ?? quoted.replace(/(\\+)\1$/, '$1')))
}

/** One word of a command line, as a C program of Windows reads it. */
function quoteArgument(text: string): string {
  // Windows forbids these in paths; in a command line they would end the word.
  if (/[\x00-\x1f"]/.test(text)) {
    throw new SidecarError('failed', 'A path has a quote or a control character in it.')
  }
  // The Task Scheduler replaces variables, and has no way to escape them.
  const [replaced] = /%[^%]+%|\$\(\w+\)/.exec(text) ?? []
  if (replaced !== undefined) {
    throw new SidecarError(
      'failed',
      `The Task Scheduler would replace ${replaced} in the path ${text}.`,
      { hint: 'Install evo-token, or keep its files, at a path without it.' },
    )
  }
  return /^[\w.:\\/-]+$/.test(text) ? text : `"${text.replace(/\\+$/, '$&$&')}"`
}
