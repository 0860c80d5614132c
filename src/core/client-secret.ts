/** The words for the credential that an app shows at the token endpoint. */
import { type App, hasPrivateKey } from './app.ts'
import type { Failure } from './ports.ts'

/** The longest client secret or private key; an RSA key of 4096 bits fits. */
export const SECRET_MAX_LENGTH = 4096

/** The command that stores the app's credential. */
export function secretCommand(app: App): string {
  return `evo-token secret ${app.name}${hasPrivateKey(app) ? ' --private-key FILE' : ''}`
}

/** What the app's credential is called. */
export function secretWords(app: App): string {
  return hasPrivateKey(app) ? 'private key' : 'client secret'
}

export function secretMissing(app: App): Failure {
  return {
    code: hasPrivateKey(app) ? 'private_key_missing' : 'client_secret_missing',
    message: `No ${secretWords(app)} is stored for "${app.name}".`,
  }
}
