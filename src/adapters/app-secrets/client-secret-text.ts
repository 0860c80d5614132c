/** Reads a client secret from a file, from stdin or from the service manager, without what an editor adds. */

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
