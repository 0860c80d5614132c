/** The files of the config that programs read access tokens from, and what is wrong with each. */
import type { TokenFile } from '../../config/config.ts'
import type { Log } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { Queues } from '../../queue.ts'
import type { OwnPlaces } from './own-places.ts'
import { FILE_TIMEOUT_MS, setToken } from './token-file.ts'
import { type TokenFileProblem, toTokenFileProblem } from './token-file-problem.ts'

export interface TokenFiles {
  /** Writes this token, or none, to the app's files. Resolves even where that failed: then it is logged. */
  update(app: string, accessToken: Sealed | undefined): Promise<void>
  /** Takes the files that the config names now; the token is removed from files that it no longer names. */
  configure(files: readonly TokenFile[]): Promise<void>
  /** Why one of the app's files was not updated last; undefined where all were. */
  problemOf(app: string): TokenFileProblem | undefined
  /** As `problemOf`, for one file of the config. */
  problemWith(file: TokenFile): TokenFileProblem | undefined
}

export interface TokenFilesDeps {
  readonly log: Log
  readonly ownPlaces: OwnPlaces
  /** Called with an app's name when the problem of its files has changed. */
  readonly onProblem?: (app: string) => void
  /** How long one file may take, in milliseconds, before this update of it is abandoned. */
  readonly patienceMs?: number
}

export function createTokenFiles(
  configured: readonly TokenFile[],
  { log, ownPlaces, onProblem = () => undefined, patienceMs = FILE_TIMEOUT_MS }: TokenFilesDeps,
): TokenFiles {
  let files = new Map(configured.map((file) => [fileKey(file), file]))
  let filesByApp = groupByApp(files)
  /** What was last written to each file: the hash of a token, or undefined for none. */
  const holds = new Map<string, string | undefined>()
  const problems = new Map<string, TokenFileProblem>()
  const queues = new Queues()
  const inTurn = (name: string, work: () => Promise<void>) => queues.run(name, work)

  /** Keeps the order of the tokens. `setToken` queues again by real path, for settings that lead to one file. */
  function enqueue(file: TokenFile, accessToken: Sealed | undefined): Promise<void> {
    return inTurn(fileKey(file), () => updateFile(file, accessToken))
  }

  async function updateFile(file: TokenFile, accessToken: Sealed | undefined): Promise<void> {
    const key = fileKey(file)
    if (holds.has(key) && holds.get(key) === accessToken?.sha256) return
    try {
      await setToken(file, accessToken, { patienceMs, inTurn, ownPlaces })
      holds.set(key, accessToken?.sha256)
      if (problems.delete(key)) onProblem(file.app)
    } catch (error) {
      const before = problems.get(key)
      const problem = toTokenFileProblem(file, error)
      problems.set(key, problem)
      if (before?.message !== problem.message) onProblem(file.app)
      log.error({ app: file.app, file: file.path, err: error }, 'a token file was not updated')
    }
  }

  const problemWith = (file: TokenFile) => problems.get(fileKey(file))

  return {
    async update(app, accessToken) {
      const own = filesByApp.get(app) ?? []
      await Promise.all(own.map((file) => enqueue(file, accessToken)))
    },
    async configure(next) {
      const before = files
      files = new Map(next.map((file) => [fileKey(file), file]))
      filesByApp = groupByApp(files)
      const gone = [...before].flatMap(([key, file]) => (files.has(key) ? [] : [file]))
      await Promise.all(gone.map((file) => enqueue(file, undefined)))
      for (const file of gone) {
        holds.delete(fileKey(file))
        problems.delete(fileKey(file))
      }
    },
    problemOf: (app) => filesByApp.get(app)?.map(problemWith).find(Boolean),
    problemWith,
  }
}

/** Every status asks for the app's own files: searching those of 10,000 apps each time would take seconds. */
function groupByApp(files: ReadonlyMap<string, TokenFile>): ReadonlyMap<string, TokenFile[]> {
  const groups = new Map<string, TokenFile[]>()
  for (const file of files.values()) {
    const group = groups.get(file.app)
    if (group) group.push(file)
    else groups.set(file.app, [file])
  }
  return groups
}

/** Settings that are equal in every member are the same one. */
function fileKey(file: TokenFile): string {
  const variable = file.format === 'dotenv' ? file.variable : ''
  return JSON.stringify([file.app, file.path, file.format, variable])
}
