/** Changes an app's files in its queue, and turns errors of the disk into a result. */
import type { StoreResult } from '../../../core/vault.ts'
import type { Queues } from '../../../queue.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../../files/disk-errors.ts'
import { FORMAT_UNSHARED } from '../header.ts'
import type { SealingKeys } from '../sealing/current-keys.ts'

export interface ChangeDeps {
  readonly dir: string
  /** One queue for each app's files. */
  readonly queues: Queues
  readonly keys: SealingKeys
}

/**
 * @param failure the beginning of the message for people, such as "The record of "crm" could not be stored".
 * @param format the least format that the vault must have before the change.
 */
export function changeFiles(
  { dir, queues, keys }: ChangeDeps,
  app: string,
  failure: string,
  change: () => Promise<StoreResult>,
  format = FORMAT_UNSHARED,
): Promise<StoreResult> {
  const refuse = (reason: string): StoreResult => {
    const message = `${failure} in ${dir}: ${reason}`
    return { kind: 'unwritable', failure: { code: 'vault_unwritable', message } }
  }
  return queues.run(app, async () => {
    const missing = keys.whyNotInPlace()
    if (missing !== undefined) return refuse(missing)
    try {
      await keys.raiseFormat(format)
      return await change()
    } catch (error) {
      if (!isDiskError(error)) throw error
      return refuse(`${diskErrorInWords(error)}. ${wayOutOf(error)}`)
    }
  })
}
