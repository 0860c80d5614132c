/** Records of the vault with flipped, missing and foreign bytes: what was stored, or nothing, and no file is lost over it. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { toVaultKey, type VaultKey } from '../../src/adapters/vault/sealing/key-ring.ts'
import { decodeRecord, encodeRecord } from '../../src/adapters/vault/records/record-codec.ts'
import { seal, unseal } from '../../src/adapters/vault/sealing/sealed-text.ts'
import type { AppRecord } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app, NOW } from '../support/builders.ts'
import { appRecord, loadOne, openOf, storeUpTo, vaultWorld } from '../support/vault-world.ts'
import { damagedJson, damagedText, holds, hostileText } from './cases.ts'

const APP = app().name

/** Everything that a record can have, its secrets in the open. */
/** Why its session ended, as the daemon has it; on disk its `code` is called `error`. */
const LOST = { code: 'invalid_grant', message: 'Gone.', at: NOW.wall }

const PLAIN = {
  generation: 7,
  identity: {
    issuer: 'https://issuer.example',
    tokenEndpoint: null,
    clientId: 'native-1',
    type: 'native',
  },
  tokens: {
    accessToken: 'at',
    refreshToken: 'rt',
    receivedAt: NOW.wall,
    lifetimeMs: 3_600_000,
    draw: 0.25,
    scope: 'a b',
    subject: { id: 'ada', name: 'Ada' },
  },
  askedScope: 'a b',
  lost: { error: 'invalid_grant', message: 'Gone.', at: NOW.wall },
  clientSecret: 'cs',
  nextClientSecret: 'ncs',
  refreshTokenExpiresAt: NOW.wall,
} as const

let key: VaultKey
let otherKey: VaultKey
let sealed: string
/** A state directory as a daemon leaves it, which each case gets a copy of. */
let pattern: string
beforeAll(async () => {
  const keyOf = (letter: string) =>
    toVaultKey(new Secret(Buffer.alloc(32, letter).toString('base64url')))
  key = await keyOf('a')
  otherKey = await keyOf('b')
  sealed = await encodeRecord(APP, { kind: 'app', record: concealed() }, key)
  pattern = mkdtempSync(join(tmpdir(), 'evo-token-f-'))
  const vault = await vaultWorld(pattern).vault()
  const last = await storeUpTo(vault, 2)
  await vault.records.reserve(APP, last)
  await storeUpTo(vault, 3, app({ name: 'other' }))
})
afterAll(() => {
  rmSync(pattern, { recursive: true })
})

const flipped = fc.tuple(fc.nat(), fc.nat(7)).map(([at, bit]) => (text: string) => {
  const bytes = Buffer.from(text, 'latin1')
  const place = at % Math.max(1, bytes.length)
  bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
  return bytes.toString('latin1')
})
const cut = fc.nat().map((at) => (text: string) => text.slice(0, at % Math.max(1, text.length)))
const replaced = fc.oneof(hostileText, fc.constant('\n'.repeat(65_536))).map((other) => () => other)
const part = fc.tuple(fc.nat(4), hostileText).map(
  ([at, other]) =>
    (text: string) =>
      text.split('.').with(at, other).join('.'),
)
const doubled = fc.constant((text: string) => text.trimEnd() + text)
const damage = fc.oneof(flipped, cut, replaced, doubled, part)

holds(
  'a damaged record opens as what was stored, or not at all',
  7,
  fc.asyncProperty(damage, fc.constantFrom(APP, 'other'), fc.boolean(), async (harm, of, ours) => {
    const text = harm(sealed)
    const decoded = await decodeRecord(of, text, [ours ? key : otherKey])
    if (typeof decoded === 'string') return
    expect({ of, ours, kind: decoded.kind }).toEqual({ of: APP, ours: true, kind: 'app' })
    expect(exposed(decoded.record)).toEqual({ ...PLAIN, lost: LOST })
  }),
)

/** Members that a later version may have added, with what no program may show. */
const LATER = {
  ...PLAIN,
  novelty: ['novelty'],
  identity: { ...PLAIN.identity, novelty: 1 },
  tokens: { ...PLAIN.tokens, subject: { ...PLAIN.tokens.subject, novelty: { deep: 'novelty' } } },
  lost: { ...PLAIN.lost, novelty: 'novelty' },
}

const content = fc.oneof(
  { weight: 3, arbitrary: damagedJson(PLAIN).map((value) => JSON.stringify(value)) },
  { weight: 3, arbitrary: damagedJson(LATER).map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: damagedText(JSON.stringify(PLAIN)) },
  { weight: 1, arbitrary: hostileText },
)

/** As the record is written again. Schemas drop a member of this name, which no version will have. */
function parsed(text: string): unknown {
  return JSON.parse(text, (name, value: unknown) => (name === '__proto__' ? undefined : value))
}

holds(
  'content that our key sealed is never damage, and what can be read is written again as it is',
  6,
  fc.asyncProperty(content, fc.constantFrom('app', 'attempt', '', 'check'), async (text, kind) => {
    const jwe = await seal(text, { 'evo-app': APP, 'evo-kind': kind }, key)
    const decoded = await decodeRecord(APP, jwe, [key])
    expect(decoded).not.toBe('broken')
    if (typeof decoded === 'string') return
    expect(decoded.kind).toBe(kind)
    const again = await unseal((await encodeRecord(APP, decoded, key)).trim(), [key])
    expect(again?.header['evo-kind']).toBe(kind)
    const plain = parsed(Buffer.from(text).toString()) as { tokens?: object }
    const tokens = plain.tokens && { tokens: { draw: 0.5, ...plain.tokens } }
    expect(parsed(again?.plaintext ?? '')).toEqual({ ...plain, ...tokens })
    expect(JSON.stringify(decoded)).not.toContain('novelty')
  }),
)

const FILES = [`${APP}.jwe`, `${APP}.jwe.new`, 'other.jwe'] as const
const foreign = fc
  .constantFrom(...FILES)
  .map((other) => () => readFileSync(join(pattern, 'vault', other), 'latin1'))
const harmed = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom(...FILES),
    fc.oneof(damage, foreign, fc.constantFrom('gone' as const, 'directory' as const)),
  ),
  { minLength: 1, maxLength: 3, selector: ([name]) => name },
)

holds(
  'a vault with damaged files opens, gives each app what is whole, and loses no file',
  2,
  fc.asyncProperty(harmed, async (harms) => {
    const stateDir = mkdtempSync(join(tmpdir(), 'evo-token-f-'))
    try {
      // Not every Node copies the mode of a directory.
      mkdirSync(join(stateDir, 'vault'), { mode: 0o700 })
      cpSync(pattern, stateDir, { recursive: true })
      const dir = join(stateDir, 'vault')
      for (const [name, harm] of harms) {
        const path = join(dir, name)
        const whole = readFileSync(path, 'latin1')
        rmSync(path)
        if (harm === 'directory') mkdirSync(path)
        else if (harm !== 'gone') {
          writeFileSync(path, harm(whole), { encoding: 'latin1', mode: 0o600 })
        }
      }
      const before = recordsIn(dir)
      const world = vaultWorld(stateDir)
      const vault = openOf(await world.open())
      for (const name of [APP, 'other']) {
        const of = app({ name })
        const loaded = await loadOne(vault, of)
        if (!loaded?.record) continue
        expect([1, 2, 3].map((generation) => exposed(appRecord(generation, of)))).toContainEqual(
          exposed(loaded.record),
        )
      }
      // Set aside, put in its place or left alone: what was in a record is still there.
      const after = contentsOf(dir)
      for (const text of before) expect(after).toContain(text)
    } finally {
      rmSync(stateDir, { recursive: true })
    }
  }),
)

function contentsOf(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(dir, entry.name), 'latin1'))
}

/** Of the records, not of the room that is kept for the next ones. */
function recordsIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jwe'))
    .map((entry) => readFileSync(join(dir, entry.name), 'latin1'))
}

function concealed(): AppRecord {
  const { tokens, clientSecret, nextClientSecret, ...rest } = PLAIN
  return {
    ...rest,
    lost: LOST,
    tokens: {
      ...tokens,
      accessToken: new Secret(tokens.accessToken),
      refreshToken: new Secret(tokens.refreshToken),
    },
    clientSecret: new Secret(clientSecret),
    nextClientSecret: new Secret(nextClientSecret),
  }
}

/** Every secret of a record in the open, wherever it is. */
function exposed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('expose' in value && typeof value.expose === 'function') return (value as Secret).expose()
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, exposed(inner)]))
}
