/** One word of a line of a unit (systemd.syntax(7)). */
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
