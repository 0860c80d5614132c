/** `share migrate`: makes or renews the tables, as the owner of the database. */
import { loadConfig } from '../../adapters/config/config-file.ts'
import { migration } from '../../adapters/share/schema.ts'
import { runMigration } from '../../adapters/share/run-migration.ts'
import { readPrivateFile } from '../../adapters/share/private-file.ts'
import { SidecarError } from '../../errors.ts'
import { locations } from '../../platform/chosen.ts'
import type { CommandRow } from '../command.ts'
import { CONFIG } from '../options.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'

export const migrate: CommandRow = {
  details:
    'Run it as the role that owns the database: with --user, and --password-file where that role has a password. It may be repeated. With --dry-run it prints the SQL for someone else to run.',
  arguments: [],
  options: {
    grant: {
      type: 'string',
      placeholder: 'ROLE',
      multiple: true,
      description: 'A role of keepers; may be repeated. The user of the config unless given.',
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
      description: 'The role to log in as; "share.user" of the config unless given.',
    },
    'password-file': {
      type: 'string',
      placeholder: 'FILE',
      description: 'Its password; "share.passwordFile" of the config unless --user is given.',
    },
    'dry-run': { type: 'boolean', description: 'Print the SQL, and run nothing.' },
    config: CONFIG,
  },
  examples: [
    {
      line: 'evo-token share migrate --user postgres --grant evo_keeper',
      says: 'On the machine of the database.',
    },
    {
      line: 'evo-token share migrate --grant-reader evo_node1 --app evo-me --dry-run',
      says: 'SQL to look at.',
    },
  ],
  async run({ command, texts, text, flag, io }) {
    const path = locations.configPath(text('config'), io.env, locations.homeOf(io.env))
    const { share } = (await loadConfig(path)).config
    if (!share) {
      throw new SidecarError('invalid_request', `${path} has no "share": it names the database.`)
    }
    const reader = text('grant-reader')
    const apps = texts('app')
    if ((reader === undefined) !== (apps.length === 0)) {
      throw usageFault(command, 'needs --grant-reader ROLE and --app APP together')
    }
    const user = text('user')
    const named = texts('grant')
    const keepers = named.length > 0 || reader !== undefined ? named : [share.user]
    const readers = reader === undefined ? [] : [{ role: reader, apps }]
    const statements = migration(share.database, { keepers, readers })
    if (flag('dry-run')) {
      io.stdout.write(`BEGIN;\n${statements.join(';\n')};\nCOMMIT;\n`)
      return 0
    }
    const passwordFile =
      text('password-file') ?? (user === undefined ? share.passwordFile : undefined)
    const password =
      passwordFile === undefined
        ? undefined
        : readPrivateFile('--password-file', passwordFile).trim()
    await runMigration({ ...share, user: user ?? share.user }, password, statements, (notice) => {
      io.stderr.write(`${plain(notice)}\n`)
    })
    io.stderr.write('The tables are there, with the rights that were named.\n')
    return 0
  },
}
