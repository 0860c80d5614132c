/** Text in a file or on stdin, as the editors and shells of each system write it. */

/**
 * UTF-8, or UTF-16 as PowerShell writes it. The byte order mark of UTF-8 stays.
 *
 * @throws {TypeError} where the bytes are no such text.
 */
export function decodeFileText(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes)
  return new TextDecoder(encoding, { fatal: true, ignoreBOM: encoding === 'utf-8' }).decode(bytes)
}

/** The same without a byte order mark, and with U+FFFD for each byte that is no text. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes)
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (isBareUtf16(bytes, 1)) return 'utf-16le'
  return isBareUtf16(bytes, 0) ? 'utf-16be' : 'utf-8'
}

/** ASCII in UTF-16 has a NUL in every second byte, the first one at `high`; the texts that we read hold no NUL. */
function isBareUtf16(bytes: Uint8Array, high: 0 | 1): boolean {
  return (
    bytes.length >= 2 &&
    bytes.length % 2 === 0 &&
    bytes.every((byte, at) => at % 2 !== high || byte === 0)
  )
}
