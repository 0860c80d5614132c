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

it.each(['', '\n', 'x'.repeat(4097)])('warns of one that cannot be used', async (text) => {
  const path = join(directory, 'etl.client-secret')
  await writeFile(path, text)
  expect(read()).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining(path)])
})
