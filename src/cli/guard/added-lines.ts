/** The lines that a commit would add, or that commits have added, read from git as it prints them. */
import { SidecarError } from '../../errors.ts'
import { type AddedLine, COMMIT_FORMAT, createDiffParser } from './diff.ts'
import { streamGit } from './git.ts'
import { splitLines } from './lines.ts'

export type AddedLines = AsyncGenerator<AddedLine[]>

/** Overrides the user's diff settings; binary files too, since they may hold a token. */
const DIFF_OPTIONS = [
  '--patch',
  '--unified=0',
  '--text',
  '--find-renames',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--no-relative',
  '--ignore-submodules',
  '--src-prefix=a/',
  '--dst-prefix=b/',
]

/** The staged lines. @throws {SidecarError} `failed` where git fails. */
export async function* readStagedLines(): AddedLines {
  const diff = streamGit(['diff', '--cached', ...DIFF_OPTIONS])
  yield* parseLines(diff.output)
  const reason = await diff.failure
  if (reason !== undefined) {
    throw new SidecarError('failed', `What is staged here cannot be read: ${reason}.`, {
      hint: 'Run it in a git repository.',
    })
  }
}

/** The lines and the message of every commit in `range`. @throws {SidecarError} `failed` where git fails. */
export async function* linesInRange(range: string): AddedLines {
  const commits = streamGit(['rev-list', '--end-of-options', withoutZeros(range), '--'])
  const format = [
    '--stdin',
    '--root',
    '-r',
    '-m',
    '--always',
    '--encoding=UTF-8',
    `--format=${COMMIT_FORMAT}`,
  ]
  const diff = streamGit(['diff-tree', ...format, ...DIFF_OPTIONS], commits.output)
  yield* parseLines(diff.output)
  const reason = (await commits.failure) ?? (await diff.failure)
  if (reason !== undefined) {
    throw new SidecarError('failed', `The commits of ${range} cannot be read: ${reason}.`, {
      hint: 'Both ends have to be in this repository. A shallow clone may lack them: `git fetch --unshallow`.',
    })
  }
}

/** A CI names the commit before a new branch by zeros: then every commit of the branch is looked at. */
function withoutZeros(range: string): string {
  return range.replace(/^0{40,}\.\.\.?(?=.)/, '')
}

async function* parseLines(output: AsyncIterable<string>): AddedLines {
  const parse = createDiffParser()
  for await (const pieces of splitLines(output)) {
    const found: AddedLine[] = []
    for (const piece of pieces) {
      const added = parse(piece)
      if (added) found.push(added)
    }
    yield found
  }
}
