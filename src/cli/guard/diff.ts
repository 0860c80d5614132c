/** Finds the added lines and the new names in the output of `git diff`, and the messages between the diffs of several commits. */
import type { LinePiece } from './lines.ts'

export interface AddedLine extends LinePiece {
  /** The commit, as people are shown it before the file; empty for what is staged. */
  readonly commit: string
  readonly file: string
  /** `NAME_LINE` for the file's name. */
  readonly line: number
}

/** A new name of a file is looked at as a line of it: some programs name a file after the URL that they fetched. */
export const NAME_LINE = 0

/** The name of a commit's message, in place of a file. */
export const MESSAGE_FILE = 'commit message'

/** The format of `git diff-tree`: before each diff NUL and the hashes, then the message up to another NUL. */
export const COMMIT_FORMAT = '%x00%H %P%n%B%n%x00'

/** Makes a parser that takes a diff line by line, and returns the line if it was added or is of a message. */
export function createDiffParser(): (piece: LinePiece) => AddedLine | undefined {
  let [commit, file, line] = ['', '', 0]
  // How much of the hunk is still to come: an added line may itself look like a header.
  let [removed, added] = [0, 0]
  let inMessage = false
  /** The name that the header of a file ends with. */
  let nameInHeader = ''
  let parents = createParents()
  // The number of the line that the previous piece began, for the rest of a long line.
  let number: number | undefined

  /** The number of the line, if it was added. */
  function numberOf(text: string): number | undefined {
    if (inMessage) return ++line
    if (removed > 0 || added > 0) {
      const isNew = text.startsWith('+')
      if (text.startsWith('-') || text.startsWith(' ')) removed--
      if (!isNew && !text.startsWith(' ')) return undefined
      added--
      line++
      return isNew && parents.allLack(file, line - 1) ? line - 1 : undefined
    }
    readHeader(text)
    return isNewName(text) && parents.allLack(file, NAME_LINE) ? NAME_LINE : undefined
  }

  /** Whether the header says that no file had this name before, which is `file` then. */
  function isNewName(text: string): boolean {
    const renamed = /^(?:rename|copy) to "?(.*?)"?$/.exec(text)?.[1]
    if (renamed === undefined && !text.startsWith('new file mode ')) return false
    file = fromBytes(renamed ?? nameInHeader)
    return true
  }

  function readHeader(text: string): void {
    // `diff --git a/NAME b/NAME`, where a new file has the same name twice.
    if (text.startsWith(FILE_HEADER)) {
      const names = text.slice(FILE_HEADER.length)
      nameInHeader = names.slice((names.length + 1) / 2).replace(/^"?b\/|"$/g, '')
    }
    const [, hash, ofParents = ''] = /^\0([\da-f]+) ([\da-f ]*)$/.exec(text) ?? []
    if (hash !== undefined) {
      const short = `${hash.slice(0, 10)}: `
      if (short !== commit) parents = createParents(ofParents.split(' ').length)
      commit = short
      parents.next()
      inMessage = true
      line = 0
    }
    // git puts a tab behind a name with a space in it, and quotes one with unusual characters.
    const name = /^\+\+\+ "?b\/(.*?)"?\t?$/.exec(text)?.[1]
    if (name !== undefined) file = fromBytes(name)
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text)
    if (hunk) {
      removed = Number(hunk[1] ?? 1)
      line = Number(hunk[2])
      added = Number(hunk[3] ?? 1)
    }
  }

  return ({ text, first, last }) => {
    if (inMessage && text.startsWith('\0')) {
      inMessage = false
      return undefined
    }
    if (first) number = numberOf(text)
    if (number === undefined) return undefined
    if (number === NAME_LINE) return { commit, file, line: NAME_LINE, text: file, first, last }
    const content = first && !inMessage ? text.slice(1) : text
    return {
      commit,
      file: inMessage ? MESSAGE_FILE : file,
      line: number,
      text: content,
      first,
      last,
    }
  }
}

/**
 * Git prints a merge once for each of its parents, compared with it. A line that all parents lack was added
 * by the merge, any other by another commit.
 */
function createParents(count = 1) {
  let seen = 0
  let lacking: ReadonlySet<string> | undefined
  let current = new Set<string>()
  return {
    next(): void {
      if (seen > 0) lacking = current
      current = new Set()
      seen++
    },
    /** Whether this is the last parent, and none has the line. */
    allLack(file: string, line: number): boolean {
      if (count <= 1) return true
      const key = `${line} ${file}`
      if (lacking && !lacking.has(key)) return false
      if (seen < count) current.add(key)
      return seen === count
    },
  }
}

const FILE_HEADER = 'diff --git '

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}
