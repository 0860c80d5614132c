/** Looks through our sources, with their types, for secrets that are not a `Secret`. */
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

export const ROOT = join(import.meta.dirname, '../..')

/** What a secret is called, in any spelling; `code`, `key` and `token` mean other things as well. */
const SECRET_NAME =
  /^(access|refresh|id|bearer)_?token$|^(next_?)?client_?secret$|^private_?key$|^client_?assertion$|^code_?verifier$|^device_?code$|^(access|vault)_?key$|^authorization_?(code|header)$|^pass(word|phrase)$|^cookie$/i

/** Those words in a line of the log are secrets, too, whatever else they mean elsewhere. */
const LOGGED_NAME = /^(authorization|token|secrets?|keys?|code|text)$/

/** What has secrets in it, whatever its type. */
const LOGGED_WHOLE = /^(form|body|(raw)?headers|callback|search(Params)?|question|response)$/i

const LOG_LEVELS: ReadonlySet<string> = new Set([
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
])

export interface Sources {
  readonly program: ts.Program
  readonly checker: ts.TypeChecker
  /** Ours, by their path in the checkout. */
  readonly files: ReadonlyMap<string, ts.SourceFile>
}

/** Our sources; with `planted`, that text in the place of the file. */
export function readSources(planted: Readonly<Record<string, string>> = {}): Sources {
  const path = join(ROOT, 'tsconfig.json')
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name)) as { config: object }
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path))
  const host = ts.createCompilerHost(options)
  const read = host.readFile.bind(host)
  host.readFile = (name) => planted[relative(ROOT, name)] ?? read(name)
  const program = ts.createProgram([...fileNames, ...Object.keys(planted)], options, host)
  const files = program
    .getSourceFiles()
    .map((file) => [relative(ROOT, file.fileName), file] as const)
    .filter(([name]) => name.startsWith('src/'))
  return { program, checker: program.getTypeChecker(), files: new Map(files) }
}

/** Where a log is given a string by the name of a secret, or an opened `Secret`. */
export function rawSecretsInLogs(sources: Sources): readonly string[] {
  return each(sources, (node) => {
    if (!ts.isCallExpression(node) || !isLog(node.expression, sources.checker)) return []
    return node.arguments.flatMap((argument) => rawIn(argument, sources.checker))
  })
}

/** How often each file opens a `Secret`. */
export function openings(sources: Sources): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [name, file] of sources.files) {
    const found = descend(file).filter((node) => isOpening(node)).length
    if (found > 0) counts[name] = found
  }
  return counts
}

/** Where a parameter, property or variable by the name of a secret is a string, in these folders. */
export function rawDeclarations(sources: Sources, folders: readonly string[]): readonly string[] {
  const { checker } = sources
  return each(sources, (node, name) => {
    if (!folders.some((folder) => name.startsWith(folder)) || !isDeclaration(node)) return []
    const { name: declared } = node
    if (!ts.isIdentifier(declared) || !SECRET_NAME.test(declared.text)) return []
    return isText(checker.getTypeAtLocation(declared)) ? [declared.text] : []
  })
}

function isDeclaration(
  node: ts.Node,
): node is
  | ts.PropertySignature
  | ts.ParameterDeclaration
  | ts.VariableDeclaration
  | ts.BindingElement
  | ts.PropertyDeclaration {
  return (
    ts.isPropertySignature(node) ||
    ts.isParameter(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isBindingElement(node) ||
    ts.isPropertyDeclaration(node)
  )
}

function each(
  { files }: Sources,
  look: (node: ts.Node, name: string) => readonly string[],
): readonly string[] {
  return [...files].flatMap(([name, file]) =>
    descend(file).flatMap((node) => {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
      return look(node, name).map((what) => `${name}:${line + 1}: ${what}`)
    }),
  )
}

function descend(node: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = [node]
  node.forEachChild((child) => {
    found.push(...descend(child))
  })
  return found
}

/** `log.info`, `log[level]` and whatever else has the type of our log. */
function isLog(callee: ts.Expression, checker: ts.TypeChecker): boolean {
  const isMember = ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee)
  if (!isMember) return false
  if (ts.isPropertyAccessExpression(callee) && !LOG_LEVELS.has(callee.name.text)) return false
  const type = checker.getTypeAtLocation(callee.expression)
  return ['trace', 'info', 'error'].every((level) => type.getProperty(level) !== undefined)
}

function isOpening(node: ts.Node): boolean {
  return (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'expose'
  )
}

/** Every part of what is logged: a name that reads a string, and each string below an object. */
function rawIn(argument: ts.Expression, checker: ts.TypeChecker): readonly string[] {
  return descend(argument).flatMap((node) => {
    if (isOpening(node)) return [node.getText()]
    if (ts.isIdentifier(node) && isRead(node)) {
      const type = checker.getTypeAtLocation(node)
      if (LOGGED_WHOLE.test(node.text)) return [node.text]
      if (isFailureCode(node, checker)) return []
      const named = SECRET_NAME.test(node.text) || LOGGED_NAME.test(node.text)
      if (named && isText(type)) return [node.text]
      return isRoot(node) ? textsBelow(type, checker, node) : []
    }
    return []
  })
}

/** The code of a failure or of a problem, which is no authorization code. */
function isFailureCode(node: ts.Identifier, checker: ts.TypeChecker): boolean {
  const { parent } = node
  if (node.text !== 'code' || !ts.isPropertyAccessExpression(parent)) return false
  const type = checker.getNonNullableType(checker.getTypeAtLocation(parent.expression))
  return ['message', 'callers'].some((name) => type.getProperty(name) !== undefined)
}

/** Whether its value is used: it is no name of a property that is only being written. */
function isRead(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node || parent.expression === node
  return true
}

/** Whether all of the object is logged, and not one property of it. */
function isRoot(node: ts.Identifier): boolean {
  const own = node.parent
  const whole = ts.isPropertyAccessExpression(own) && own.name === node ? own : node
  const { parent } = whole
  const goesOn = ts.isPropertyAccessExpression(parent) || ts.isCallExpression(parent)
  return !goesOn || parent.expression !== whole
}

/** Strings by the name of a secret in what is logged as a whole, one object in another included. */
function textsBelow(
  type: ts.Type,
  checker: ts.TypeChecker,
  at: ts.Node,
  depth = 3,
): readonly string[] {
  if (depth === 0 || isSecret(type)) return []
  return type.getProperties().flatMap((property) => {
    const of = checker.getTypeOfSymbolAtLocation(property, at)
    if (SECRET_NAME.test(property.name) && isText(of)) return [`${at.getText()}: ${property.name}`]
    return of.flags & ts.TypeFlags.Object ? textsBelow(of, checker, at, depth - 1) : []
  })
}

function isSecret(type: ts.Type): boolean {
  return type.getProperty('expose') !== undefined
}

function isText(type: ts.Type): boolean {
  const types = type.isUnion() ? type.types : [type]
  return types.some(({ flags }) => (flags & ts.TypeFlags.StringLike) !== 0)
}
