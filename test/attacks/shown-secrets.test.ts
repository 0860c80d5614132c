/** Whatever is done to show an object of ours, by accident or in haste: a secret in it stays one. */
import assert from 'node:assert'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { AppRecord } from '../../src/core/vault.ts'
import { toStored } from '../../src/core/stored-tokens.ts'
import { Secret } from '../../src/secret.ts'
import { grant, tokenSet } from '../support/builders.ts'
import { signedIn } from '../support/broker-world.ts'
import { createCanaries, randomSecret } from './canaries.ts'

const canaries = createCanaries()

function secret(name: string): Secret {
  const value = randomSecret()
  canaries.add(name, value)
  return new Secret(value)
}

const tokens = tokenSet({
  accessToken: secret('access token'),
  refreshToken: secret('refresh token'),
})
const record: Partial<AppRecord> = {
  tokens: toStored(tokens),
  clientSecret: secret('client secret'),
  nextClientSecret: secret('client secret'),
}

const SHOW: Readonly<Record<string, (value: object) => unknown>> = {
  'a template': (value) => `it: ${value as unknown as string}`,
  concatenation: (value) => 'x' + (value as unknown as string),
  JSON: (value) => JSON.stringify(value),
  'console.log': (value) => format('%s %o %O %j %d', value, value, value, value, value),
  'util.inspect': (value) => inspect(value, { depth: Infinity, showHidden: true }),
  'util.inspect, its own ways left out': (value) =>
    inspect(value, { depth: Infinity, showHidden: true, customInspect: false, getters: true }),
  'a clone': (value) => inspect(structuredClone(value), { depth: Infinity, customInspect: false }),
  'v8.serialize': (value) => serialize(value).toString('latin1'),
  spreading: (value) => inspect({ ...value }, { customInspect: false, showHidden: true }),
  'its entries': (value) => Object.entries(value).flat().map(String).join(),
  'the cause of an error': (value) =>
    inspect(new Error('x', { cause: value }), { depth: Infinity }),
  'a failed assertion': (value) => {
    let said = ''
    try {
      assert.deepStrictEqual(value, { other: 1 })
    } catch (error) {
      said = String(error)
    }
    return said
  },
}

const OBJECTS: Readonly<Record<string, object>> = {
  'a Secret': tokens.accessToken,
  'a grant': grant({ accessToken: tokens.accessToken }),
  'a token set': tokens,
  'a record': record,
  'a list of them': [tokens.accessToken, [record]],
  'a map of them': new Map([['me', record]]),
}

it.each(
  Object.keys(SHOW).flatMap((how) => Object.keys(OBJECTS).map((what) => [how, what] as const)),
)('%s shows no secret of %s', (how, what) => {
  const shown = SHOW[how]?.(OBJECTS[what] ?? {})
  expect(typeof shown).toBe('string')
  expect(canaries.foundIn(String(shown))).toEqual([])
})

it('the whole broker shows none, however deep one looks', async () => {
  const { broker } = await signedIn({ record })
  const served = broker.token('evo-me', { waitMs: 0 })
  const options = { depth: Infinity, showHidden: true, customInspect: false, maxStringLength: null }
  for (const value of [broker, served]) {
    expect(canaries.foundIn(inspect(value, options))).toEqual([])
    expect(canaries.foundIn(format('%o %j', served, served))).toEqual([])
  }
})

it('a Secret shows its fingerprint', () => {
  const { fingerprint } = tokens.accessToken
  expect(inspect({ token: tokens.accessToken })).toBe(`{ token: [secret ${fingerprint}] }`)
  expect(JSON.stringify(tokens.accessToken)).toBe(`"[secret ${fingerprint}]"`)
})
