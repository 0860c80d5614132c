/** The caller `local`: every program of the user that runs the daemon, by a key in a file of its own. */
import type { Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { Secret } from '../../secret.ts'
import { readPrivateFile, writePrivateFile } from '../files/private-text.ts'
import { createAccessKey } from './access-key.ts'
import type { CallersStore } from './callers-store.ts'

const LOCAL_CALLER = 'local'

export interface LocalCallerOptions {
  readonly accessKeyPath: string
  readonly firstStart: boolean
  readonly now: Instant
  readonly log: Log
}

/**
 * Makes the caller at the very first start, and only then: a later removal is respected. While the
 * caller exists, its key file is kept valid: a key that is missing, or belongs to no caller (after a
 * crash between the two files), is replaced by a new one.
 *
 */
export async function ensureLocalCaller(
  store: CallersStore,
  { accessKeyPath, firstStart, now, log }: LocalCallerOptions,
): Promise<void> {
  const kept = await readPrivateFile(accessKeyPath)
  if (!firstStart) {
    if (!store.callers().some(({ name }) => name === LOCAL_CALLER)) return
    if (kept !== undefined && store.identify(Buffer.from(new Secret(kept.trim()).sha256, 'hex')))
      return
  }
  const accessKey = createAccessKey()
  const { sha256 } = accessKey
  await store.change((callers) =>
    firstStart
      ? [...callers, { name: LOCAL_CALLER, apps: ['*'], sha256, createdAt: now, lastUsedAt: null }]
      : callers.map((caller) => (caller.name === LOCAL_CALLER ? { ...caller, sha256 } : caller)),
  )
  await writePrivateFile(accessKeyPath, `${accessKey.expose()}\n`)
  const about = { caller: LOCAL_CALLER, path: accessKeyPath }
  if (firstStart) log.info(about, 'made the access key of the first caller')
  else if (kept === undefined) log.warn(about, 'the access key was gone: made a new one')
  else log.warn(about, 'the access key belonged to no caller: made a new one')
}
