/** Errors of the file system, in words for people. */

const DISK_ERROR_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EPERM: 'the operation is not permitted',
  EIO: 'the disk reports an error',
  EFBIG: 'the limit for the size of a file is reached',
  EBUSY: 'it is in use',
  ESTALE: 'the server of the mount has replaced it',
  ETIMEDOUT: 'the server of the mount does not answer',
  ENOTCONN: 'the mount has lost its server',
  ENOENT: 'it is not there',
  EEXIST: 'something else is there',
  ENOTDIR: 'a part of the path is not a directory',
  ENAMETOOLONG: 'the path is too long',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link',
  ENOLCK: 'the file system has no locks',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
}

/** Whether `error` comes from the operating system, rather than from a bug of ours. */
export function isDiskError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

/** For example: "the disk is full (ENOSPC)". */
export function diskErrorInWords({ code }: { readonly code: string }): string {
  const words = DISK_ERROR_WORDS[code]
  return words === undefined ? code : `${words} (${code})`
}

const WAY_OUT: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room there.',
  EDQUOT: 'Make room there.',
  EROFS: 'Mount it writable.',
  EACCES: 'Let the user that runs evo-token write there.',
  EPERM: 'Let the user that runs evo-token write there.',
  ENOENT: 'Make the directory, or correct the path.',
  EEXIST: 'Move it away, or correct the path.',
  EFBIG: 'Raise it (`ulimit -f`), and start evo-token again.',
  EBUSY: 'If it is a mount of its own, mount the directory that it is in instead.',
  ESTALE: 'Mount it again.',
  ETIMEDOUT: 'Mount it again.',
  ENOTCONN: 'Mount it again.',
  ENOTDIR: 'Correct the path.',
  ENAMETOOLONG: 'Correct the path.',
  EISDIR: 'Correct the path.',
  ELOOP: 'Correct the path.',
  EMFILE: 'Raise the limit for open files.',
  ENFILE: 'Raise the limit for open files.',
}

/** What to do about it; a sentence. */
export function wayOutOf({ code }: { readonly code: string }): string {
  return WAY_OUT[code] ?? 'Check the disk.'
}
