/** A client secret as it comes from a file, from stdin or from the service manager: what it is without what an editor adds. */

const UTF16_MARKS: readonly (readonly [number, number, string])[] = [
  [0xff, 0xfe, 'utf-16le'],
  [0xfe, 0xff, 'utf-16be'],
]

/** Text of a file in UTF-8 or UTF-16 (as PowerShell writes it), without its byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  const mark = UTF16_MARKS.find(([first, second]) => bytes[0] === first && bytes[1] === second)
  // A decoder drops the byte order mark of its own encoding.
  return new TextDecoder(mark?.[2] ?? (isBareUtf16(bytes) ? 'utf-16le' : 'utf-8')).decode(bytes)
}

/** ASCII in UTF-16 has a NUL in every second byte, and a secret has none. */
function isBareUtf16(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 2 &&
    bytes.length % 2 === 0 &&
    bytes.every((byte, at) => at % 2 === 0 || byte === 0)
  )
}

export type ClientSecretRead =
  | { readonly kind: 'secret'; readonly text: string }
  /** `reason` completes "the client secret is not used: …". */
  | { readonly kind: 'bad'; readonly reason: string }

/** The secret in `text`, without the blanks and line breaks around it. */
export function readClientSecret(text: string): ClientSecretRead {
  const secret = text.replace(/^\ufeff/, '').trim()
  if (secret === '') return { kind: 'bad', reason: 'it is empty' }
  if (/[\r\n]/.test(secret)) return { kind: 'bad', reason: 'there is more than one line' }
  return /^[\x20-\x7e]+$/.test(secret)
    ? { kind: 'secret', text: secret }
    : {
        kind: 'bad',
        reason:
          'it holds a character that no client secret has (RFC 6749 §A.2): only printable ASCII is possible',
      }
}
