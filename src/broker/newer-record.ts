/** An app whose record a newer version wrote: it waits, and nothing of it is changed. */
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { newerRecord } from './ledger.ts'

export function recordNewerError(app: string): SidecarError {
  return new SidecarError('record_newer', newerRecord(app).message)
}

/**
 * Looks at the files themselves, before something is done for the app in vain.
 *
 * @throws {SidecarError} `record_newer`.
 */
export async function requireReadable({ app, ledger }: AppState): Promise<void> {
  if (await ledger.checkNewer()) throw recordNewerError(app.name)
}
