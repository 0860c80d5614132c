/** The words of a line of a unit (systemd.syntax(7)). */
import { SidecarError } from '../../errors.ts'

/**
 * @param dollar what stands for a dollar sign: doubled, where systemd would put in a variable.
 * @param prefix stands in front of the word, in its quotes.
 * @throws {SidecarError} `failed` for a line break, which no word can hold.
 */
export function toUnitWord(text: string, dollar = '$', prefix = ''): string {
  if (/[\r\n]/.test(text)) throw new SidecarError('failed', 'A path contains a line break.')
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', () => dollar)
  return `"${prefix}${escaped}"`
}

/** The words of a command (systemd.service(5), "Command lines"), without variables that are replaced. */
export function readCommand(line: string): string[] {
  const words = line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)
  return [...words].map(([, quoted = '', plain]) =>
    (plain ?? quoted.replaceAll(/\\(.)/g, '$1')).replaceAll('%%', '%').replaceAll('$$', () => '$'),
  )
}
