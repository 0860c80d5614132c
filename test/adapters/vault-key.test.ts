import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createCredential, createKeyFile } from '../../src/adapters/vault/key-places/key-file.ts'
import {
  formatKeys,
  newVaultKey,
  parseKeys,
} from '../../src/adapters/vault/key-places/key-place.ts'
import { itNeeds } from '../support/needs.ts'
import { temporaryDirectory, uid } from '../support/vault-world.ts'

const ID = '11111111-1111-4111-8111-111111111111'
const BYTES = Buffer.from('fb'.repeat(31) + 'ff', 'hex')
const OTHER = Buffer.alloc(32, 7)
const utf16 = (text: string) => Buffer.from(text, 'utf16le')
const asText = BYTES.toString('base64url')

let directory: string
const at = (name: string) => join(directory, name)

beforeEach(() => {
  directory = temporaryDirectory()
})

const refused = (message: RegExp) => ({
  kind: 'refused',
  message: expect.stringMatching(message) as string,
  hint: expect.stringMatching(/./) as string,
})

describe('parseKeys', () => {
  it.each([
    { form: '32 raw bytes', content: BYTES },
    { form: 'base64url', content: asText },
    { form: 'base64 with its padding', content: BYTES.toString('base64') },
    { form: 'base64 as openssl prints it', content: `${BYTES.toString('base64')}\n` },
    { form: 'base64 behind a byte order mark', content: `\ufeff${BYTES.toString('base64')}\r\n` },
    { form: 'base64 in UTF-16', content: utf16(`\ufeff${BYTES.toString('base64')}\r\n`) },
    { form: 'hex in UTF-16 of the other order', content: utf16(BYTES.toString('hex')).swap16() },
    { form: 'hex', content: BYTES.toString('hex') },
    {
      form: 'upper-case hex, and Windows line ends',
      content: `${BYTES.toString('hex').toUpperCase()}\r\n`,
    },
  ])('reads a key in $form', ({ content }) => {
    expect(parseKeys(Buffer.from(content))?.map((key) => key.expose())).toEqual([asText])
  })

  it('reads several, one a line, in their order', () => {
    const text = `${BYTES.toString('base64')}\n\n${OTHER.toString('hex')}\n`
    const keys = parseKeys(Buffer.from(text))
    expect(keys?.map((key) => key.expose())).toEqual([asText, OTHER.toString('base64url')])
  })

  it.each([
    { what: 'nothing', content: '' },
    { what: 'blank lines', content: '\n\n' },
    { what: 'a key that is too short', content: BYTES.subarray(1).toString('base64') },
    { what: 'a key that is too long', content: Buffer.concat([BYTES, OTHER]).toString('base64') },
    { what: '33 raw bytes', content: Buffer.concat([BYTES, Buffer.from([1])]) },
    { what: 'words', content: 'this is where the key goes, all 43 letters!' },
    { what: 'a key and something else', content: `${asText}\nnot a key` },
  ])('takes $what for no key', ({ content }) => {
    expect(parseKeys(Buffer.from(content))).toBeUndefined()
  })

  it('reads what formatKeys writes', () => {
    const keys = [newVaultKey(), newVaultKey()]
    expect(parseKeys(Buffer.from(formatKeys(keys)))).toEqual(keys)
  })

  it('makes keys that are all different', () => {
    expect(newVaultKey().sha256).not.toBe(newVaultKey().sha256)
  })
})

describe('a key file', () => {
  const file = () => createKeyFile(at('vault-key'), uid)

  it('keeps keys where only their owner can read them', async () => {
    const keys = [newVaultKey(), newVaultKey()]
    expect(await file().write(ID, keys)).toEqual({ kind: 'done' })
    expect(await file().read(ID)).toEqual({ kind: 'keys', keys })
    expect(statSync(at('vault-key')).mode & 0o777).toBe(0o600)
  })

  it('is none where there is none, also after it was removed', async () => {
    expect((await file().read(ID)).kind).toBe('none')
    await file().write(ID, [newVaultKey()])
    expect(await file().remove(ID)).toEqual({ kind: 'done' })
    expect(await file().read(ID)).toMatchObject({
      kind: 'none',
      message: `The vault key ${at('vault-key')} cannot be read: it is not there (ENOENT).`,
    })
  })

  it.each([0o640, 0o604])('is refused when its mode is %o, with what mends it', async (mode) => {
    await file().write(ID, [newVaultKey()])
    chmodSync(at('vault-key'), mode)
    expect(await file().read(ID)).toEqual(refused(/is open to others: chmod 600 .*vault-key$/))
  })

  itNeeds(uid === 0 ? undefined : 'needs root')(
    "is refused when it is another user's, with what mends it",
    async () => {
      await file().write(ID, [newVaultKey()])
      chownSync(at('vault-key'), 4711, 4711)
      expect(await file().read(ID)).toEqual(refused(/belongs to uid 4711: chown 0 .*vault-key$/))
    },
  )

  it('is refused when it is a link or a directory', async () => {
    writeFileSync(at('real'), formatKeys([newVaultKey()]), { mode: 0o600 })
    symlinkSync(at('real'), at('vault-key'))
    expect(await file().read(ID)).toEqual(refused(/symbolic link \(ELOOP\)/))
    mkdirSync(at('dir'), { mode: 0o700 })
    expect(await createKeyFile(at('dir'), uid).read(ID)).toEqual(
      refused(/dir is not a regular file/),
    )
  })

  it('is refused when it holds no key, without a word of what it holds', async () => {
    writeFileSync(at('vault-key'), 'almost a key', { mode: 0o600 })
    const read = await file().read(ID)
    expect(read).toEqual(refused(/is not a vault key/))
    expect(JSON.stringify(read)).not.toContain('almost')
  })

  it('says what the disk refuses', async () => {
    const missing = createKeyFile(at('missing/vault-key'), uid)
    expect(await missing.write(ID, [newVaultKey()])).toEqual(
      refused(/vault-key cannot be written: it is not there \(ENOENT\)\.$/),
    )
  })
})

describe('a credential', () => {
  it('is read from the directory that systemd names, whichever user owns it', async () => {
    writeFileSync(at('vault-key'), BYTES, { mode: 0o444 })
    const read = await createCredential({ CREDENTIALS_DIRECTORY: directory }).read(ID)
    expect(read).toMatchObject({
      kind: 'keys',
      keys: [{ fingerprint: expect.any(String) as string }],
    })
  })

  it.each([
    { state: 'no directory', env: () => ({}) },
    { state: 'no such credential', env: () => ({ CREDENTIALS_DIRECTORY: directory }) },
  ])('is none where there is $state, with the line that the unit needs', async ({ env }) => {
    expect(await createCredential(env()).read(ID)).toMatchObject({
      kind: 'none',
      hint: expect.stringContaining('LoadCredential=vault-key:') as string,
    })
  })

  it('is not written here', async () => {
    writeFileSync(at('vault-key'), BYTES)
    const credential = createCredential({ CREDENTIALS_DIRECTORY: directory })
    expect(await credential.write(ID, [newVaultKey()])).toEqual(refused(/systemd credential/))
    expect(readFileSync(at('vault-key'))).toEqual(BYTES)
  })
})
