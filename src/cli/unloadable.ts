/** What is said where the program cannot load its own files. It imports nothing, so that it is part of the first file. */

export const EXIT_FAILED = 1

const CODES_OF_LOADING = ['EMFILE', 'ENFILE', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']

/** Whether `error` comes from loading a file of the program. */
export function isUnloadable(error: unknown): boolean {
  return CODES_OF_LOADING.includes(codeOfLoading(error) ?? '')
}

/** A sentence and what to do, a line each. */
export function unloadableInWords(error: unknown): string {
  const code = codeOfLoading(error) ?? 'unknown'
  return code === 'EMFILE' || code === 'ENFILE'
    ? `evo-token: Too few files may be open at once here (${code}) to load the program.\nRaise the limit first: \`ulimit -n 1024\`, or LimitNOFILE= in the unit.\n`
    : `evo-token: A file of the program cannot be loaded (${code}): the program was upgraded or removed meanwhile, or is damaged.\nRun the command again; if that does not help, install evo-token again.\n`
}

function codeOfLoading(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
