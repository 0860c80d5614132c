/** What apps and callers may be called, and when two keys mean the same. */

/** Names of apps and callers. */
export const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/

export const APP_NAME =
  'is no app name: write up to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit'

/** `client_id`, `clientID` and `client-id` all mean `clientId`. */
export function plainKey(key: string): string {
  return key.replace(/[^a-z0-9]/gi, '').toLowerCase()
}
