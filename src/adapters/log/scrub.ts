/**
 * The last look at a line before it leaves: no secret that is live in this process and nothing that
 * has the shape of a token may stand in it, in whatever form it got there.
 */
import { liveSecretsLike, type Secret } from '../../secret.ts'

/** A JWS or a JWE in compact form (RFC 7515 §3.1, RFC 7516 §3.1), or the beginning of one that was cut short. */
export const JWT_LIKE = /eyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g

/** An access key of ours. */
const ACCESS_KEY_LIKE = /evtk_[\w-]{8,}/g

/** Shorter secrets occur in ordinary words, and are not hidden. */
export const SHORTEST_HIDDEN_SECRET = 4

/** `line` without live secrets and without what looks like one. */
export function scrub(line: string): string {
  let text = line
  for (const secret of liveSecretsLike(line)) {
    for (const form of spellingsOf(secret)) {
      if (text.includes(form)) text = text.replaceAll(form, secret.toString())
    }
  }
  if (text.includes('eyJ')) text = text.replace(JWT_LIKE, '[redacted]')
  return text.includes('evtk_') ? text.replace(ACCESS_KEY_LIKE, '[redacted]') : text
}

const knownForms = new WeakMap<Secret, readonly string[]>()

/** The secret itself, as it stands in JSON, in JSON within JSON, and in a URL. */
function spellingsOf(secret: Secret): readonly string[] {
  let forms = knownForms.get(secret)
  if (!forms) {
    const value = secret.expose()
    const escaped = inJson(value)
    const encoded = encodeURIComponent(Buffer.from(value).toString())
    const all = [value, escaped, inJson(escaped), encoded, encoded.replaceAll('%20', '+')]
    // The longest first: a form may hold another one.
    forms = [...new Set(all)]
      .filter((form) => form.length >= SHORTEST_HIDDEN_SECRET)
      .sort((one, other) => other.length - one.length)
    knownForms.set(secret, forms)
  }
  return forms
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
