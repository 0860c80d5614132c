/** Whether the token files of the apps can be written. */
import { examine } from '../../adapters/token-file.ts'
import type { TokenFile } from '../../config.ts'
import { broken, type Rung } from './ladder.ts'

/** By app, for those that have files. */
export function fileRungs(files: readonly TokenFile[]): Map<string, Rung[]> {
  const apps = new Set(files.map(({ app }) => app))
  return new Map([...apps].map((app) => [app, [rungOf(files.filter((file) => file.app === app))]]))
}

function rungOf(files: readonly TokenFile[]): Rung {
  return {
    id: 'token-files',
    async check() {
      const problems = await Promise.all(files.map(examine))
      const problem = problems.find(Boolean)
      if (problem) throw broken(problem.message, problem.hint)
      return files.length === 1 ? 'the file can be written' : `all ${files.length} can be written`
    },
  }
}
