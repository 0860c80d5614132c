/** `serve`. Its code loads the whole daemon, so it is imported when it runs. */
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow } from '../command.ts'
import { CONFIG, STATE_DIR } from '../options.ts'
import { RAISE_OPEN_FILES } from '../unloadable.ts'

/** Node opens all files of the program at once to load them, and retries without end where it may not. */
const OPEN_FILES_MIN = 200

/** @throws {SidecarError} `failed`. */
function requireOpenFiles(): void {
  const openFiles = platform.limits.openFiles() ?? Infinity
  if (openFiles >= OPEN_FILES_MIN) return
  throw new SidecarError(
    'failed',
    `This process may have ${openFiles} files open at once, and the daemon needs ${OPEN_FILES_MIN}.`,
    { hint: RAISE_OPEN_FILES },
  )
}

/** A shell may be in a directory that was removed since. Libraries ask for the current one as they are loaded. */
function leaveRemovedDirectory(): void {
  try {
    process.cwd()
  } catch {
    process.chdir('/')
  }
}

export const serve: CommandRow = {
  arguments: [],
  options: {
    config: CONFIG,
    'state-dir': STATE_DIR,
    'take-over': {
      type: 'boolean',
      description: 'Use a vault that another machine wrote. Stop the daemon there first.',
    },
    'log-file': {
      type: 'string',
      placeholder: 'FILE',
      description:
        'Log to this file, not to stdout. At 5 MiB it is renamed, and the one before is deleted.',
    },
    'log-level': {
      type: 'string',
      placeholder: 'LEVEL',
      choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      description: 'How much to log; overrides "log.level" of the config.',
    },
    json: {
      type: 'boolean',
      description: 'Log JSON on a terminal too; without it a terminal gets plain lines.',
    },
  },
  examples: [
    { line: 'evo-token serve', says: 'Logs to stdout: plain lines on a terminal, else JSON.' },
  ],
  run: async (invocation) => {
    requireOpenFiles()
    leaveRemovedDirectory()
    platform.files.keepOwnersRights()
    // `runCli` needs the second one where the stop fails: by then an upgrade may have replaced it.
    const [{ run }] = await Promise.all([import('../serve.ts'), import('../failures.ts')])
    const code = await run(invocation)
    // A DNS lookup that is still out cannot be cancelled, and would keep the process alive.
    process.exit(code)
  },
}
