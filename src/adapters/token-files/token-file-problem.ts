/** What is wrong with a token file, in words for people. */
import type { TokenFile } from '../../config/config.ts'
import type { ConfigFault } from '../../config/faults.ts'
import { SidecarError } from '../../errors.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'

/** Why a file does not have its token. */
export interface TokenFileProblem {
  readonly error: 'file_unwritable'
  readonly message: string
  /** What to do about it. */
  readonly hint: string
}

/** In words for a person, without the token. */
export function toTokenFileProblem({ path }: TokenFile, error: unknown): TokenFileProblem {
  const problem = (message: string, hint: string) =>
    ({ error: 'file_unwritable', message, hint }) as const
  if (error instanceof SidecarError) return problem(error.message, error.hint)
  if (!isDiskError(error)) return problem(`${path} was not written.`, 'See the log of the daemon.')
  if (error.code === 'ENOENT') {
    return problem(`The directory of ${path} does not exist.`, 'Create it, or correct the path.')
  }
  const wayOut = error.code === 'EROFS' ? READ_ONLY : wayOutOf(error)
  return problem(`${path} cannot be written: ${diskErrorInWords(error)}.`, wayOut)
}

/** The sandbox of a service makes all other directories read-only. */
const READ_ONLY =
  'If evo-token runs as a service, run `evo-token service install` again: it lets the service write where the config has token files now. Else mount the file system writable.'

/** The problems as warnings of the config, whose files they are, in its order. */
export function tokenFileWarnings(
  problems: readonly (TokenFileProblem | undefined)[],
): ConfigFault[] {
  return problems.flatMap((problem, index) => {
    if (!problem) return []
    return [{ path: `files[${index}].path`, message: `${problem.message} ${problem.hint}`.trim() }]
  })
}
