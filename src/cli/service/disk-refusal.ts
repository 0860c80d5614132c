/** A disk that refuses the files of a service, such as a directory that a `sudo` too many has left to root. */
import { diskErrorInWords, isDiskError, wayOutOf } from '../../adapters/files/disk-errors.ts'
import { SidecarError } from '../../errors.ts'

/** A `failed` with the path, for an error of the disk; any other error as it is. */
export function inWords(error: unknown): unknown {
  if (!isDiskError(error)) return error
  const { path = 'A file of the service' } = error
  return new SidecarError('failed', `${path} cannot be used: ${diskErrorInWords(error)}.`, {
    cause: error,
    hint: wayOutOf(error),
  })
}
