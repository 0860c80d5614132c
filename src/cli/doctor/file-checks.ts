/** Checks whether the token files of the apps can be written. */
import { existsSync } from 'node:fs'
import { examineTokenFile } from '../../adapters/token-files/token-file.ts'
import type { OwnPlaces } from '../../adapters/token-files/own-places.ts'
import type { TokenFile } from '../../config/config.ts'
import { isEvoMcpFile } from '../../config/evo-mcp.ts'
import { checkFault, type Check } from './checks.ts'

/** The checks by app, for apps that have token files. */
export function fileChecks(
  files: readonly TokenFile[],
  ownPlaces: OwnPlaces,
): Map<string, Check[]> {
  const apps = new Set(files.map(({ app }) => app))
  const ofApp = (app: string) => files.filter((file) => file.app === app)
  return new Map([...apps].map((app) => [app, [checkOf(ofApp(app), ownPlaces)]]))
}

function checkOf(files: readonly TokenFile[], ownPlaces: OwnPlaces): Check {
  return {
    id: 'token-files',
    async run() {
      const problems = await Promise.all(files.map((file) => examineTokenFile(file, ownPlaces)))
      const problem = problems.find(Boolean)
      if (problem) throw checkFault(problem.message, problem.hint)
      const unread = files.find((file) => isEvoMcpFile(file) && file.format !== 'json')
      if (unread) {
        throw checkFault(
          `evo-mcp reads ${unread.path} as JSON, and the config says "${unread.format}".`,
          'Set the "format" of this file to "json".',
        )
      }
      const found = files.find(isEvoMcpFile)
      if (found) {
        return existsSync(found.path)
          ? 'evo-mcp finds its token'
          : 'evo-mcp finds its token as soon as the daemon has one'
      }
      return files.length === 1 ? 'the file can be written' : `all ${files.length} can be written`
    },
  }
}
