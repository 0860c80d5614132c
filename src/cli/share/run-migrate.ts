/** `share migrate`: reads the config, and runs the SQL or prints it. */
import { loadConfig } from '../../adapters/config/config-file.ts'
import { readPrivateFile } from '../../adapters/share/private-file.ts'
import { runMigration } from '../../adapters/share/run-migration.ts'
import { migration } from '../../adapters/share/schema.ts'
import { SidecarError } from '../../errors.ts'
import { locations } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { command, texts, text, flag, io } = invocation
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
    passwordFile === undefined ? undefined : readPrivateFile('--password-file', passwordFile).trim()
  await runMigration({ ...share, user: user ?? share.user }, password, statements, (notice) => {
    io.stderr.write(`${plain(notice)}\n`)
  })
  io.stderr.write('The tables are there, with the rights that were named.\n')
  return 0
}
