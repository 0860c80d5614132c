/** Protects files of the service that a person changed; `--force` replaces or removes them all the same. */
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
  throw new SidecarError('failed', `${path} was changed since evo-token wrote it.`, {
    hint: `${keepChanges}, then give --force, which discards them.`,
  })
}
