/** The message about a bad app name, and which keys mean the same setting. */

export const APP_NAME =
  'is not an app name: write up to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit'

/** `client_id`, `clientID` and `client-id` all mean `clientId`. */
export function plainKey(key: string): string {
  return key.replace(/[^a-z0-9]/gi, '').toLowerCase()
}
