/** An app whose record a newer version wrote: it waits, and nothing of it is changed. */
import type { Failure, PastFailure } from '../core/ports.ts'
import { CASES } from '../core/problem-cases.ts'
import { SidecarError } from '../errors.ts'

/** In the words for callers. */
export function newerRecord(app: string): Failure {
  const subject = { app, person: undefined, details: undefined }
  return { code: 'record_newer', message: CASES.record_newer.callers(subject) }
}

export function recordNewerError(app: string): SidecarError {
  return new SidecarError('record_newer', newerRecord(app).message)
}

/**
 * Looks at the files, before work for the app begins that would be in vain.
 *
 * @throws {SidecarError} `record_newer`.
 */
export async function requireReadable({ app, ledger }: WithRecord): Promise<void> {
  if (await ledger.checkNewer()) throw recordNewerError(app.name)
}

interface WithRecord {
  readonly app: { readonly name: string }
  readonly ledger: { checkNewer(): Promise<PastFailure | undefined> }
}
