/** Text in a file, as the editors and shells of each system write it. */

/**
 * UTF-8; or UTF-16 where a byte order mark says so, which PowerShell 5 writes. The mark of UTF-8 stays.
 *
 * @throws {TypeError} where the bytes are no such text.
 */
export function decodeFileText(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return decode(bytes, 'utf-16le')
  if (first === 0xfe && second === 0xff) return decode(bytes, 'utf-16be')
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

function decode(bytes: Uint8Array, encoding: string): string {
  return new TextDecoder(encoding, { fatal: true }).decode(bytes)
}
