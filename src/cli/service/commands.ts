/** `service install`, `service uninstall`, `service status` and `logs`. Their code is imported when they run. */
import type { CommandRow, Invocation, Option } from '../command.ts'
import { CONFIG, JSON_OUTPUT } from '../options.ts'

/** Runs a command, and reports a file that this user may not use as a failure, not as a bug. */
function withDiskInWords(load: () => Promise<Pick<CommandRow, 'run'>>): CommandRow['run'] {
  return async (invocation: Invocation) => {
    const { run } = await load()
    try {
      return await run(invocation)
    } catch (error) {
      const { toDiskRefusal } = await import('./disk-refusal.ts')
      throw toDiskRefusal(error)
    }
  }
}

const SYSTEM_OPTION: Option = {
  type: 'boolean',
  description: "Means the machine's service, not yours.",
}

const FORCE_OPTION: Option = {
  type: 'boolean',
  description: 'Replace or remove also files that a person changed.',
}

export const serviceInstall: CommandRow = {
  arguments: [],
  options: {
    system: SYSTEM_OPTION,
    group: {
      type: 'string',
      placeholder: 'NAME',
      description: 'With --system: the group whose members are owners of the daemon.',
    },
    config: CONFIG,
    'dry-run': { type: 'boolean', description: 'Print the files and commands; change nothing.' },
    force: FORCE_OPTION,
  },
  examples: [],
  run: withDiskInWords(() => import('./install.ts')),
}

export const serviceUninstall: CommandRow = {
  arguments: [],
  options: {
    system: SYSTEM_OPTION,
    purge: {
      type: 'boolean',
      description: 'Remove the state directory too: every session and secret in it is lost.',
    },
    force: FORCE_OPTION,
  },
  examples: [],
  run: withDiskInWords(() => import('./uninstall.ts')),
}

export const serviceLogs: CommandRow = {
  details: 'It is in the journal of systemd; on macOS and Windows in a file.',
  arguments: [],
  options: {
    follow: { type: 'boolean', description: 'Keep printing new lines until interrupted.' },
    system: SYSTEM_OPTION,
    json: {
      type: 'boolean',
      description: 'Print the lines as they are logged, on a terminal too.',
    },
  },
  examples: [],
  run: async (invocation) => (await import('./logs.ts')).run(invocation),
}

export const serviceStatus: CommandRow = {
  arguments: [],
  options: { system: SYSTEM_OPTION, json: JSON_OUTPUT },
  examples: [],
  run: withDiskInWords(() => import('./status.ts')),
}
