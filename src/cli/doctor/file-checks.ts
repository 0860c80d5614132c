/** Whether the token files of the apps can be written. */
import { examine } from '../../adapters/token-files/token-file.ts'
import type { TokenFile } from '../../config.ts'
import { checkFault, type Check } from './checks.ts'

/** By app, for those that have files. */
export function fileChecks(files: readonly TokenFile[]): Map<string, Check[]> {
  const apps = new Set(files.map(({ app }) => app))
  return new Map([...apps].map((app) => [app, [checkOf(files.filter((file) => file.app === app))]]))
}

function checkOf(files: readonly TokenFile[]): Check {
  return {
    id: 'token-files',
    async run() {
      const problems = await Promise.all(files.map(examine))
      const problem = problems.find(Boolean)
      if (problem) throw checkFault(problem.message, problem.hint)
      return files.length === 1 ? 'the file can be written' : `all ${files.length} can be written`
    },
  }
}
