/** `service install`, `service uninstall`, `service status`. Their code is loaded when they run. */
import type { CommandRow, Option } from '../command.ts'
import { CONFIG, JSON_OUTPUT } from '../options.ts'

const SYSTEM: Option = { type: 'boolean', description: "The machine's service, not yours." }

const FORCE: Option = { type: 'boolean', description: 'Also files that a person changed.' }

export const install: CommandRow = {
  arguments: [],
  options: {
    system: SYSTEM,
    group: {
      type: 'string',
      placeholder: 'NAME',
      description: 'With --system: the group whose members are owners of the daemon.',
    },
    config: CONFIG,
    'dry-run': { type: 'boolean', description: 'Print the files and commands; change nothing.' },
    force: FORCE,
  },
  examples: [],
  run: async (invocation) => (await import('./install.ts')).run(invocation),
}

export const uninstall: CommandRow = {
  arguments: [],
  options: {
    system: SYSTEM,
    purge: {
      type: 'boolean',
      description: 'Remove the state directory too: every session and secret in it is lost.',
    },
    force: FORCE,
  },
  examples: [],
  run: async (invocation) => (await import('./uninstall.ts')).run(invocation),
}

export const logs: CommandRow = {
  details: 'Wherever it is: in the journal of systemd, or in a file on a Mac.',
  arguments: [],
  options: {
    follow: { type: 'boolean', description: 'Go on with what comes, until interrupted.' },
    system: SYSTEM,
    json: { type: 'boolean', description: 'Print the lines as they are, on a terminal too.' },
  },
  examples: [],
  run: async (invocation) => (await import('./logs.ts')).run(invocation),
}

export const status: CommandRow = {
  arguments: [],
  options: { system: SYSTEM, json: JSON_OUTPUT },
  examples: [],
  run: async (invocation) => (await import('./status.ts')).run(invocation),
}
