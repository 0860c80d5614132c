/** The key of an app among all keepers: its name, and a digest of its identity. */
import { createHash } from 'node:crypto'
import { type App, identityOf } from '../../core/app.ts'
import type { AppKey } from '../../core/sharing/shared-store.ts'

export function toAppKey(app: App): AppKey {
  const { issuer, tokenEndpoint, clientId, type } = identityOf(app)
  const text = JSON.stringify([issuer, tokenEndpoint, clientId, type])
  return { app: app.name, identityDigest: createHash('sha256').update(text).digest('hex') }
}
