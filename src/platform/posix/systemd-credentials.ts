/** The secrets of the machine's service in /etc/evo-token, plain or encrypted by systemd-creds(1). */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type App, needsClientSecret } from '../../core/app.ts'

const CREDENTIAL_SOURCES = '/etc/evo-token'
const VAULT_KEY_CREDENTIAL = 'vault-key'
/** For sessions that are shared with other hosts. */
const SHARING_CREDENTIALS = ['db-password', 'reader-keys']

/** Lines of the unit: for the vault key, if it is a credential, and for each app that has a secret there. */
export function credentialLines(
  apps: readonly App[],
  keyIsCredential: boolean,
  exists: (path: string) => boolean = existsSync,
): string[] {
  const secrets = apps.filter(needsClientSecret).map(({ name }) => `${name}.client-secret`)
  const found = [...secrets, ...SHARING_CREDENTIALS].filter(
    (id) => exists(plainPath(id)) || exists(sealedPath(id)),
  )
  return [...(keyIsCredential ? [VAULT_KEY_CREDENTIAL] : []), ...found].map((id) =>
    exists(sealedPath(id))
      ? `LoadCredentialEncrypted=${id}:${sealedPath(id)}`
      : `LoadCredential=${id}:${plainPath(id)}`,
  )
}

/** Creates the vault key, readable by root alone, unless there is one. */
export function makeVaultKey(): void {
  if (existsSync(plainPath(VAULT_KEY_CREDENTIAL)) || existsSync(sealedPath(VAULT_KEY_CREDENTIAL)))
    return
  const key = `${randomBytes(32).toString('base64')}\n`
  writeFileSync(plainPath(VAULT_KEY_CREDENTIAL), key, { mode: 0o600, flag: 'wx' })
}

function plainPath(id: string): string {
  return join(CREDENTIAL_SOURCES, id)
}

function sealedPath(id: string): string {
  return `${plainPath(id)}.cred`
}
