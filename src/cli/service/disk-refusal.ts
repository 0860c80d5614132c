/** Disk errors on files of a service, for example in a directory that a mistaken `sudo` gave to root. */
import { diskErrorInWords, isDiskError, wayOutOf } from '../../adapters/files/disk-errors.ts'
import { SidecarError } from '../../errors.ts'

/** Turns a disk error into a `failed` that names the path; returns any other error unchanged. */
export function toDiskRefusal(error: unknown): unknown {
  if (!isDiskError(error)) return error
  const { path = 'A file of the service' } = error
  return new SidecarError('failed', `${path} cannot be used: ${diskErrorInWords(error)}.`, {
    cause: error,
    hint: wayOutOf(error),
  })
}
