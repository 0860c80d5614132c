/** What is said of an app that has nothing to show at the token endpoint. */
import { type App, hasPrivateKey } from './app.ts'
import type { Failure } from './ports.ts'

/** The command that stores what the app shows. */
export function secretCommand(app: App): string {
  return `evo-token secret ${app.name}${hasPrivateKey(app) ? ' --private-key FILE' : ''}`
}

/** What the app shows, in words. */
export function secretWords(app: App): string {
  return hasPrivateKey(app) ? 'private key' : 'client secret'
}

export function secretMissing(app: App): Failure {
  return {
    code: hasPrivateKey(app) ? 'private_key_missing' : 'client_secret_missing',
    message: `No ${secretWords(app)} is stored for "${app.name}".`,
  }
}
