import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createClientKey } from '../support/client-keys.ts'
import { readClientSecretCredential } from '../../src/adapters/app-secrets/client-secret-credential.ts'

let directory: string
const warnings: string[] = []
const log = { warn: (_fields: object, message: string) => warnings.push(message) }
const read = () => readClientSecretCredential('etl', { CREDENTIALS_DIRECTORY: directory }, log)

beforeEach(async () => {
  warnings.length = 0
  directory = await mkdtemp(join(tmpdir(), 'evo-credentials-'))
})
afterEach(() => rm(directory, { recursive: true }))

it.each(['s3cret', 's3cret\n', 's3cret\r\n'])(
  'reads %j without the end of its line',
  async (text) => {
    await writeFile(join(directory, 'etl.client-secret'), text)
    expect(read()?.expose()).toBe('s3cret')
  },
)

const utf16 = (text: string) => Buffer.from(text, 'utf16le')

it.each([
  ['with a byte order mark', utf16('\ufeff s3cret\u00a0\r\n')],
  ['without one', utf16('s3cret\r\n\r\n')],
  ['of the other byte order', utf16('\ufeffs3cret\r\n').swap16()],
  ['of the other byte order without a mark', utf16('s3cret\r\n').swap16()],
  ['as long as it may be', utf16('s3cret'.padStart(4096, ' '))],
])('reads UTF-16 %s', async (_, bytes) => {
  await writeFile(join(directory, 'etl.client-secret'), bytes)
  expect(read()?.expose()).toBe('s3cret')
})

it('reads a private key in UTF-16, and a JWK with blanks around it', async () => {
  const { pem, jwk } = createClientKey('rsa-4096')
  await writeFile(join(directory, 'etl.client-secret'), utf16(`\ufeff${pem}`))
  expect(read()?.expose()).toBe(pem.trimEnd())
  await writeFile(join(directory, 'etl.client-secret'), `\u00a0${JSON.stringify(jwk, null, 2)}\n`)
  expect(read()?.expose()).toBe(JSON.stringify(jwk, null, 2))
  expect(warnings).toEqual([])
})

it('keeps every line of a private key', async () => {
  const { pem } = createClientKey('rsa-4096')
  await writeFile(join(directory, 'etl.client-secret'), pem)
  expect(read()?.expose()).toBe(pem.trimEnd())
})

it('takes 4 KiB', async () => {
  await writeFile(join(directory, 'etl.client-secret'), 'x'.repeat(4096))
  expect(read()?.expose()).toHaveLength(4096)
})

it('says nothing where none is handed over', () => {
  expect(read()).toBeUndefined()
  expect(readClientSecretCredential('etl', {}, log)).toBeUndefined()
  expect(warnings).toEqual([])
})

it.each([
  ...[
    '',
    '\n',
    'x'.repeat(4097),
    'x'.repeat(70_000),
    'one\ntwo',
    'one\rtwo',
    's3cret\0',
    's3\u00a0cret',
  ],
  utf16('one\r\ntwo\r\n'),
])('warns of one that cannot be used', async (text) => {
  const path = join(directory, 'etl.client-secret')
  await writeFile(path, text)
  expect(read()).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining(path)])
})
