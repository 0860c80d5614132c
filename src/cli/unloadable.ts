/** What is said where the program cannot load its own files. It imports nothing, so that it is part of the first file. */

export const EXIT_FAILED = 1

/** What to do where a process may open too few files. Node itself goes up to the hard limit. */
export const RAISE_OPEN_FILES = [
  'Raise the limit first: in a shell with `ulimit -n 1024`;',
  'for systemd with LimitNOFILE=1024 under [Service] (`systemctl --user edit evo-token`, or `systemctl edit evo-token` as root);',
  'for launchd with <key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>1024</integer></dict> in the plist of the agent.',
].join(' ')

const CODES_OF_LOADING = ['EMFILE', 'ENFILE', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']

/** Whether `error` comes from loading a file of the program. */
export function isUnloadable(error: unknown): boolean {
  return CODES_OF_LOADING.includes(codeOfLoading(error) ?? '')
}

/** A sentence and what to do, a line each. */
export function unloadableInWords(error: unknown): string {
  const code = codeOfLoading(error) ?? 'unknown'
  return code === 'EMFILE' || code === 'ENFILE'
    ? `evo-token: Too few files may be open at once here (${code}) to load the program.\n${RAISE_OPEN_FILES}\n`
    : `evo-token: A file of the program cannot be loaded (${code}): the program was upgraded or removed meanwhile, or is damaged.\nRun the command again; if that does not help, install evo-token again.\n`
}

function codeOfLoading(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
