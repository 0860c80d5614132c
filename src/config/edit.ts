/** Changes one app in the text of a config; the rest stays byte for byte. */
import { applyEdits, type Edit, findNodeAtLocation, format, modify, parseTree } from 'jsonc-parser'
import { withoutByteOrderMark } from './json-text.ts'

/** `text`, which is a config, with one more token file. */
export function addFile(text: string, file: object): string {
  const json = withoutByteOrderMark(text)
  const mark = text.slice(0, text.length - json.length)
  const hasFiles = findNodeAtLocation(parseTree(json) ?? NO_NODE, ['files']) !== undefined
  const edits = hasFiles
    ? modify(json, ['files', -1], file, { isArrayInsertion: true })
    : modify(json, ['files'], [file], {})
  return mark + layOut(json, edits)
}

const NO_NODE = { type: 'null', offset: 0, length: 0 } as const

/** `text`, which is a config, with `app` as the app of that name, whether there was one or not. */
export function putApp(text: string, name: string, app: object): string {
  const json = withoutByteOrderMark(text)
  const mark = text.slice(0, text.length - json.length)
  const edits = modify(json, ['apps', name], app, {})
  return mark + layOut(json, edits)
}

/** `json` with `edits`, whose text is formatted like the rest. */
function layOut(json: string, edits: readonly Edit[]): string {
  const edited = applyEdits(json, [...edits])
  const indent = /^([ \t]+)"/m.exec(json)?.[1] ?? '  '
  const style = { insertSpaces: !indent.includes('\t'), tabSize: indent.length }
  // `modify` would format whole lines again, and with them what a person wrote.
  const layout = edits.flatMap(({ offset, content }) =>
    format(edited, rangeOf(edited, offset, content.length), style),
  )
  return applyEdits(edited, layout)
}

/** The range that was put in, with the braces around it that are on the same line. */
function rangeOf(edited: string, offset: number, length: number) {
  const before = edited[offset - 1] === '{' ? 1 : 0
  const after = /^[ \t]*\}/.test(edited.slice(offset + length)) ? 1 : 0
  return { offset: offset - before, length: before + length + after }
}
