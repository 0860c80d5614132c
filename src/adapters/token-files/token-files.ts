/** The files of the config that programs read access tokens from, and what is wrong with each. */
import type { TokenFile } from '../../config.ts'
import type { Log } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { Queues } from '../../queue.ts'
import { PATIENCE_MS, setToken, toProblem, type TokenFileProblem } from './token-file.ts'

export interface TokenFiles {
  /** Makes the app's files hold this token, or none. Resolves also where that failed: then it is logged. */
  update(app: string, accessToken: Sealed | undefined): Promise<void>
  /** What the config names now; a file that it does not name any more loses its token. */
  configure(files: readonly TokenFile[]): Promise<void>
  /** What kept one of the app's files from being updated last; undefined where they are as they should be. */
  problemOf(app: string): TokenFileProblem | undefined
  /** As `problemOf`, of a file that the config names. */
  problemWith(file: TokenFile): TokenFileProblem | undefined
}

export interface TokenFilesDeps {
  readonly log: Log
  /** Called with an app when what is wrong with its files has changed. */
  readonly onProblem?: (app: string) => void
  /** How long a file may take, in milliseconds: then it is given up, for this time. */
  readonly patienceMs?: number
}

export function createTokenFiles(
  configured: readonly TokenFile[],
  { log, onProblem = () => undefined, patienceMs = PATIENCE_MS }: TokenFilesDeps,
): TokenFiles {
  let files = new Map(configured.map((file) => [keyOf(file), file]))
  /** What each file was made to hold last: the hash of a token, or undefined for none. */
  const holds = new Map<string, string | undefined>()
  const problems = new Map<string, TokenFileProblem>()
  const queues = new Queues()
  const inTurn = (name: string, work: () => Promise<void>) => queues.run(name, work)

  /** In the order of the tokens; two settings of the same file, which may be a link, wait again in `setToken`. */
  function enqueue(file: TokenFile, accessToken: Sealed | undefined): Promise<void> {
    return inTurn(keyOf(file), () => updateFile(file, accessToken))
  }

  async function updateFile(file: TokenFile, accessToken: Sealed | undefined): Promise<void> {
    const key = keyOf(file)
    if (holds.has(key) && holds.get(key) === accessToken?.sha256) return
    try {
      await setToken(file, accessToken, { patienceMs, inTurn })
      holds.set(key, accessToken?.sha256)
      if (problems.delete(key)) onProblem(file.app)
    } catch (error) {
      const before = problems.get(key)
      const problem = toProblem(file, error)
      problems.set(key, problem)
      if (before?.message !== problem.message) onProblem(file.app)
      log.error({ app: file.app, file: file.path, err: error }, 'a token file was not updated')
    }
  }

  const problemWith = (file: TokenFile) => problems.get(keyOf(file))

  return {
    async update(app, accessToken) {
      const own = [...files.values()].filter((file) => file.app === app)
      await Promise.all(own.map((file) => enqueue(file, accessToken)))
    },
    async configure(next) {
      const before = files
      files = new Map(next.map((file) => [keyOf(file), file]))
      const gone = [...before].flatMap(([key, file]) => (files.has(key) ? [] : [file]))
      await Promise.all(gone.map((file) => enqueue(file, undefined)))
      for (const file of gone) {
        holds.delete(keyOf(file))
        problems.delete(keyOf(file))
      }
    },
    problemOf: (app) =>
      [...files.values()]
        .filter((file) => file.app === app)
        .map(problemWith)
        .find(Boolean),
    problemWith,
  }
}

/** Two settings are of the same place in a file where every word of them is the same. */
function keyOf(file: TokenFile): string {
  const variable = file.format === 'dotenv' ? file.variable : ''
  return JSON.stringify([file.app, file.path, file.format, variable])
}
