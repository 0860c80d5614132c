/** Changes one app in the text of a config; the rest stays byte for byte. */
import { applyEdits, format, modify } from 'jsonc-parser'
import { withoutByteOrderMark } from './json-text.ts'

/** `text`, which is a config, with `app` as the app of that name, whether there was one or not. */
export function putApp(text: string, name: string, app: object): string {
  const json = withoutByteOrderMark(text)
  const mark = text.slice(0, text.length - json.length)
  const edits = modify(json, ['apps', name], app, {})
  const edited = applyEdits(json, edits)
  const indent = /^([ \t]+)"/m.exec(json)?.[1] ?? '  '
  const style = { insertSpaces: !indent.includes('\t'), tabSize: indent.length }
  // `modify` would lay out whole lines anew, and with them what a person wrote.
  const layout = edits.flatMap(({ offset, content }) =>
    format(edited, rangeOf(edited, offset, content.length), style),
  )
  return mark + applyEdits(edited, layout)
}

/** What was put in; up to the brackets around it, where they stand on the same line. */
function rangeOf(edited: string, offset: number, length: number) {
  const before = edited[offset - 1] === '{' ? 1 : 0
  const after = /^[ \t]*\}/.test(edited.slice(offset + length)) ? 1 : 0
  return { offset: offset - before, length: before + length + after }
}
