/** `serve`: its own file loads the whole daemon, so it is loaded when it runs. */
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow } from '../command.ts'
import { CONFIG, STATE_DIR } from '../options.ts'

/** Node opens the files of the program at once while it loads them, and goes round in circles with fewer. */
const OPEN_FILES_MIN = 200

/** @throws {SidecarError} `failed`. */
function requireOpenFiles(): void {
  const openFiles = platform.limits.openFiles() ?? Infinity
  if (openFiles >= OPEN_FILES_MIN) return
  throw new SidecarError(
    'failed',
    `This process may have ${openFiles} files open at once, and the daemon needs ${OPEN_FILES_MIN}.`,
    { hint: 'Raise the limit first: `ulimit -n 1024`, or LimitNOFILE= in the unit.' },
  )
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
        'Log to this file and not to stdout. It is bounded: 5 MiB, and as much before it.',
    },
    'log-level': {
      type: 'string',
      placeholder: 'LEVEL',
      choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      description: 'How much to log, whatever the config says.',
    },
    json: {
      type: 'boolean',
      description: 'Log lines as JSON on a terminal too, where they are plain otherwise.',
    },
  },
  examples: [
    { line: 'evo-token serve', says: 'Logs to stdout: as JSON where that is no terminal.' },
  ],
  run: async (invocation) => {
    requireOpenFiles()
    const code = await (await import('../serve.ts')).run(invocation)
    // A name that is still being resolved, which nothing can break off, would hold the process.
    process.exit(code)
  },
}
