/** Makes the type declarations of the client: of what `src/client/index.ts` exports, and nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import ts from 'typescript'
import { root } from './sources.mjs'

const INDEX = join(root, 'src/client/index.ts')

/** Writes `client.d.mts` and the declarations that it refers to into `directory`. */
export function writeClientTypes(directory) {
  const made = declarations()
  const names = new Map()
  const visit = (path) => {
    if (names.has(path)) return
    names.set(path, path === INDEX ? 'client' : `client-${basename(path, '.ts')}`)
    for (const [, specifier] of made.get(path).matchAll(SPECIFIER)) visit(target(path, specifier))
  }
  visit(INDEX)
  mkdirSync(directory, { recursive: true })
  for (const [path, name] of names) {
    const text = made
      .get(path)
      .replace(SPECIFIER, (whole, specifier) =>
        whole.replace(specifier, `./${names.get(target(path, specifier))}.mjs`),
      )
    writeFileSync(join(directory, `${name}.d.mts`), text)
  }
}

/** A relative import. */
const SPECIFIER = /(?:from |import\()['"](\.[^'"]+)['"]/g

function target(path, specifier) {
  return join(dirname(path), specifier.replace(/\.js$/, '.ts'))
}

/** The declarations that tsc makes, by the path of their source. */
function declarations() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram([INDEX], {
    ...options,
    noEmit: false,
    noCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
  })
  const made = new Map()
  program.emit(undefined, (path, text, _mark, _onError, [source] = []) => {
    if (source) made.set(source.fileName, text)
  })
  return made
}
