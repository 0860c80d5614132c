/** A token file that is replaced or removed as a whole: what it may hold, so that no other file is lost. */
import { parseJsonObject } from '../../core/json-object.ts'
import { SidecarError } from '../../errors.ts'
import { MOVE_AWAY } from '../files/own-file.ts'

/** @throws {SidecarError} `failed` where `text` is more than a token, such as the settings or notes of a person. */
export function requireTokenAlone(path: string, text: string): void {
  // In either format: the config may have named the other one before.
  if (text.trim() === '' || isToken(text) || isTokenObject(text)) return
  throw new SidecarError(
    'failed',
    `${path} holds more than a token, and would be replaced as a whole.`,
    { hint: MOVE_AWAY },
  )
}

/** One word (RFC 6749 §A.12), and not the only setting of a `.env`. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+\s*$/.test(text) && !/^[A-Z][A-Z\d_]*=[^=\s]/.test(text)
}

/** A program that reads it may have put more beside the token, or have left it empty. */
function isTokenObject(text: string): boolean {
  const object = parseJsonObject(text)
  if (!object) return false
  return 'access_token' in object || Object.keys(object).length === 0
}
