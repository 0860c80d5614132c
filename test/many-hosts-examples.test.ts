/** The configs of the examples and of docs/many-hosts.md are configs that the daemon takes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')

/** The text of `config.json` in a ConfigMap. */
function configIn(manifest: string): string {
  const [, block = ''] = /^ {2}config\.json: \|\n((?: {4}.*\n)+)/m.exec(manifest) ?? []
  return block.replaceAll(/^ {4}/gm, '')
}

const CONFIGS = {
  'examples/many-hosts/keeper.json': read('examples/many-hosts/keeper.json'),
  'examples/many-hosts/reader.json': read('examples/many-hosts/reader.json'),
  'examples/kubernetes/keepers.yaml': configIn(read('examples/kubernetes/keepers.yaml')),
  'examples/kubernetes/reader.yaml': configIn(read('examples/kubernetes/reader.yaml')),
}

it.each(Object.entries(CONFIGS))('%s', (_name, text) => {
  expect(parseConfig(text)).toMatchObject({ kind: 'ok', warnings: [] })
})

it('the snippet of docs/many-hosts.md', () => {
  const [snippet = ''] = /"share": \{[^]*?\n\}/.exec(read('docs/many-hosts.md')) ?? []
  const config = `{ "vault": { "key": "credential" }, ${snippet}, "apps": {} }`
  expect(parseConfig(config)).toMatchObject({ kind: 'ok' })
  const keeper = JSON.parse(CONFIGS['examples/many-hosts/keeper.json']) as { share: object }
  expect((JSON.parse(config) as { share: object }).share).toEqual(keeper.share)
})
