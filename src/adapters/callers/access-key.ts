/** The secret that a caller shows. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../../secret.ts'

/** Makes an access key, with the prefix that secret scanners know. */
export function createAccessKey(): Secret {
  return new Secret(`evtk_${randomBytes(32).toString('base64url')}`)
}
