/** `config check`: reads a config as the daemon does, and reports every fault of it and of its token files. */
import { faultLines, loadConfig } from '../../adapters/config/config-file.ts'
import { examineTokenFile } from '../../adapters/token-files/token-file.ts'
import { tokenFileWarnings } from '../../adapters/token-files/token-file-problem.ts'
import { readCertificates } from '../../adapters/server/certificate-authorities.ts'
import { locations } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'

export async function run({ argument, io }: Invocation): Promise<number> {
  const home = locations.homeOf(io.env)
  const path = locations.configPath(argument('FILE') || undefined, io.env, home)
  const { config, warnings } = await loadConfig(path, { home })
  if (config.ca !== undefined) readCertificates(config.ca, '"ca"')
  const { stateDir } = locations.findPlaces({ env: io.env, home, flags: {} })
  const problems = await Promise.all(
    config.files.map((file) => examineTokenFile(file, { stateDir, config: path })),
  )
  const all = [...warnings, ...tokenFileWarnings(problems)]
  if (all.length > 0) io.stderr.write(`${faultLines(`warning: ${path}`, all)}\n`)
  const count = config.apps.length
  io.stdout.write(`OK: ${count} ${count === 1 ? 'app' : 'apps'} in ${plain(path)}\n`)
  return 0
}
