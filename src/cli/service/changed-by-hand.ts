/** Files of the service that a person changed, which only --force writes over or removes. */
import { SidecarError } from '../../errors.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'

/** @throws {SidecarError} `failed` where one of `files` was changed by hand. */
export function refuseChangedByHand(
  files: readonly { readonly path: string; readonly changedByHand: boolean }[],
  { keepChanges }: Pick<ServiceManager, 'keepChanges'>,
): void {
  const changed = files.find(({ changedByHand }) => changedByHand)
  if (!changed) return
  const { path } = changed
  throw new SidecarError('failed', `${path} is not as evo-token wrote it: a person changed it.`, {
    hint: `${keepChanges}, then give --force, which discards what stands there.`,
  })
}
