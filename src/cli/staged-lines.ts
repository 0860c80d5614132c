/** The lines that a commit would add, read from git while it prints them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { SidecarError } from '../errors.ts'

export interface StagedLine {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Whatever the user's config says of diffs; binary files too, since a token may stand in them. */
const DIFF = [
  '-c',
  'core.quotePath=false',
  'diff',
  '--cached',
  '--unified=0',
  '--text',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--no-relative',
  '--ignore-submodules',
  '--src-prefix=a/',
  '--dst-prefix=b/',
]

/** @throws {SidecarError} `failed` where git cannot tell. */
export async function* stagedLines(): AsyncGenerator<StagedLine> {
  const git = spawn('git', DIFF, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(git, 'close').then(
    ([code]) => (code === 0 ? undefined : 'it is not a git repository'),
    () => 'git cannot be run',
  )
  // Bytes as characters, so that no byte of a binary file is taken for the end of a line.
  const parse = createDiffParser()
  let pending = ''
  for await (const chunk of git.stdout.setEncoding('latin1') as AsyncIterable<string>) {
    const lines = chunk.split('\n')
    lines[0] = pending + (lines[0] ?? '')
    pending = lines.pop() ?? ''
    for (const line of lines) {
      const staged = parse(line)
      if (staged) yield staged
    }
  }
  const reason = await ended
  if (reason !== undefined) {
    throw new SidecarError('failed', `What is staged here cannot be read: ${reason}.`, {
      hint: 'Run it in a git repository.',
    })
  }
}

/** Told the lines of a diff one by one: the added line in it, if it is one. */
function createDiffParser(): (line: string) => StagedLine | undefined {
  let file = ''
  let line = 0
  // How much of the hunk is still to come: an added line may itself look like a header.
  let removed = 0
  let added = 0
  return (text) => {
    if (removed > 0 || added > 0) {
      if (text.startsWith('-')) removed -= 1
      if (!text.startsWith('+')) return undefined
      added -= 1
      line += 1
      return { file, line: line - 1, text: fromBytes(text.slice(1)) }
    }
    // git puts a tab behind a name with a space in it, and quotes one with stranger characters.
    const name = /^\+\+\+ "?b\/(.*?)"?\t?$/.exec(text)?.[1]
    if (name !== undefined) file = fromBytes(name)
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text)
    if (hunk) {
      removed = Number(hunk[1] ?? 1)
      line = Number(hunk[2])
      added = Number(hunk[3] ?? 1)
    }
    return undefined
  }
}

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}
