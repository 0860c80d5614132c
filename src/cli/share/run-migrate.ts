/** `share migrate`: reads the config, and runs the SQL or prints it. */
import { loadConfig } from '../../adapters/config/config-file.ts'
import { readSecretFile } from '../../adapters/share/private-file.ts'
import { runMigration } from '../../adapters/share/run-migration.ts'
import { migrationStatements } from '../../adapters/share/schema.ts'
import { SidecarError } from '../../errors.ts'
import { locations } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { command, texts, text, flag, io } = invocation
  const path = locations.configPath(text('config'), io.env, locations.homeOf(io.env))
  const { share, apps: configured } = (await loadConfig(path)).config
  if (!share) {
    throw new SidecarError('invalid_request', `${path} has no "share", which names the database.`, {
      hint: 'Describe the database in it, or name another config with --config.',
    })
  }
  const reader = text('grant-reader')
  const apps = texts('app')
  if ((reader === undefined) !== (apps.length === 0)) {
    throw usageFault(command, 'needs --grant-reader ROLE and --app APP together')
  }
  for (const app of apps) {
    if (configured.some(({ name }) => name === app)) continue
    io.stderr.write(
      `${path} has no app named "${plain(app)}": the right is for nothing until one is shared.\n`,
    )
  }
  const user = text('user')
  const named = texts('grant')
  const keepers = named.length > 0 || reader !== undefined ? named : [share.user]
  const readers = reader === undefined ? [] : [{ role: reader, apps }]
  const statements = migrationStatements(share.database, { keepers, readers })
  if (flag('dry-run')) {
    io.stdout.write(`BEGIN;\n${statements.join(';\n')};\nCOMMIT;\n`)
    return 0
  }
  const given = text('password-file')
  const passwordFile = given ?? (user === undefined ? share.passwordFile : undefined)
  const setting = given === undefined ? 'share.passwordFile' : '--password-file'
  const password =
    passwordFile === undefined ? undefined : readSecretFile(setting, passwordFile).trim()
  await runMigration({ ...share, user: user ?? share.user }, password, statements, (notice) => {
    io.stderr.write(`${plain(notice)}\n`)
  })
  io.stderr.write('The tables are there, and the roles have their rights.\n')
  return 0
}
