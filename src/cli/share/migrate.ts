/** `share migrate`: creates or updates the tables, as the owner of the database. */
import type { CommandRow } from '../command.ts'
import { CONFIG } from '../options.ts'

export const shareMigrate: CommandRow = {
  details:
    'Run it as the role that owns the database: with --user, and --password-file where that role has a password. It may be repeated. With --dry-run it prints the SQL for another person to run.',
  arguments: [],
  options: {
    grant: {
      type: 'string',
      placeholder: 'ROLE',
      multiple: true,
      description: 'A role of keepers; may be repeated. Without it "share.user" of the config.',
    },
    'grant-reader': {
      type: 'string',
      placeholder: 'ROLE',
      description: 'A role of a reader, which may read the apps of --app and nothing else.',
    },
    app: {
      type: 'string',
      placeholder: 'APP',
      multiple: true,
      description: 'An app for --grant-reader; may be repeated.',
    },
    user: {
      type: 'string',
      placeholder: 'ROLE',
      description: 'The role to log in as. Without it "share.user" of the config.',
    },
    'password-file': {
      type: 'string',
      placeholder: 'FILE',
      description:
        'A file with its password. Without it, and without --user, "share.passwordFile" of the config.',
    },
    'dry-run': { type: 'boolean', description: 'Print the SQL, and run nothing.' },
    config: CONFIG,
  },
  examples: [
    {
      line: 'evo-token share migrate --user postgres --grant evo_keeper',
      says: 'Run it on the machine of the database.',
    },
    {
      line: 'evo-token share migrate --grant-reader evo_node1 --app evo-me --dry-run',
      says: 'Prints the SQL.',
    },
  ],
  run: async (invocation) => (await import('./run-migrate.ts')).run(invocation),
}
