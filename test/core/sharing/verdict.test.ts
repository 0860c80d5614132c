/** What a keeper does about a row and a record that are not the same. */
import { describe, expect, it } from 'vitest'
import { isHigher } from '../../../src/core/sharing/pair.ts'
import type { RowHead } from '../../../src/core/sharing/shared-store.ts'
import { judgeRow, type Verdict } from '../../../src/core/sharing/verdict.ts'
import type { Sharing } from '../../../src/core/vault.ts'

const ME = '00000000-0000-4000-8000-00000000000a'
const OTHER = '00000000-0000-4000-8000-00000000000b'
const KNOWN = '00000000-0000-4000-8000-0000000000f1'

const row = (change: Partial<RowHead> = {}): RowHead => ({
  app: 'crm',
  identityDigest: 'd',
  home: ME,
  number: 5,
  generation: 7,
  revision: KNOWN,
  moveTo: null,
  ...change,
})

const sharing = (change: Partial<Sharing> = {}): Sharing => ({
  home: ME,
  number: 5,
  readerKey: 1,
  ...change,
})

const disk = (change: Partial<Sharing> = {}, generation = 7) => ({
  generation,
  hasSession: true,
  sharing: sharing(change),
})

const UNPUBLISHED = { generation: 7, hasSession: true, sharing: undefined }
const EMPTY = { generation: 0, hasSession: false, sharing: undefined }

describe('the order of records', () => {
  it('has the newer home first, and of one home the later record', () => {
    expect(isHigher({ number: 6, generation: 1 }, { number: 5, generation: 9 })).toBe(true)
    expect(isHigher({ number: 5, generation: 9 }, { number: 5, generation: 8 })).toBe(true)
    expect(isHigher({ number: 5, generation: 8 }, { number: 5, generation: 8 })).toBe(false)
  })
})

describe('what a keeper does', () => {
  const cases: readonly (readonly [
    string,
    Parameters<typeof judgeRow>[1],
    RowHead | undefined,
    Verdict,
  ])[] = [
    ['nothing of an app without a session', EMPTY, undefined, 'in-step'],
    ['publishes a session that is alone', UNPUBLISHED, undefined, 'introduce'],
    ['serves what another keeper published', EMPTY, row({ home: OTHER }), 'elsewhere'],
    ['keeps a session of its own beside another one', UNPUBLISHED, row({ home: OTHER }), 'apart'],
    ['takes in what it has lost', EMPTY, row(), 'take-in'],
    [
      'takes in what is newer than a session of its own',
      UNPUBLISHED,
      row({ generation: 8 }),
      'take-in',
    ],
    ['publishes over what it left behind when it left the others', UNPUBLISHED, row(), 'introduce'],
    ['nothing where row and disk are the same', disk(), row(), 'in-step'],
    ['publishes what a database has lost', disk(), undefined, 'publish'],
    ['publishes over an older record of its own', disk(), row({ generation: 6 }), 'publish'],
    [
      'outbids a row that names another home under its number',
      disk(),
      row({ home: OTHER }),
      'outbid',
    ],
    ['publishes over an older home', disk(), row({ home: OTHER, number: 4 }), 'publish'],
    ['publishes again what it did not write itself', disk(), row({ revision: OTHER }), 'publish'],
    [
      'takes in what it published before its disk was rolled back',
      disk(),
      row({ generation: 8 }),
      'take-in',
    ],
    ['takes in a home that it got', disk(), row({ number: 6, generation: 1 }), 'take-in'],
    ['stands down for another home', disk(), row({ home: OTHER, number: 6 }), 'stand-down'],
    ['stands down for a row that has none', disk(), row({ home: null, number: 6 }), 'stand-down'],
    [
      'hands over until the row shows it',
      disk({ home: OTHER, number: 6, handedOver: true }),
      row(),
      'hand-over',
    ],
    [
      'hands over again what a database has lost',
      disk({ home: OTHER, number: 6, handedOver: true }),
      undefined,
      'hand-over',
    ],
    [
      'nothing once the row shows it',
      disk({ home: OTHER, number: 6, handedOver: true }),
      row({ home: OTHER, number: 6 }),
      'elsewhere',
    ],
    [
      'leaves a row that names it though it gave up',
      disk({ home: OTHER, number: 6 }),
      row(),
      'vacate',
    ],
    ['takes back what is given to it again', disk({ home: OTHER }), row({ number: 6 }), 'take-in'],
    ['swaps a sign-in in', disk({ number: 6, pending: KNOWN }), row({ home: OTHER }), 'swap'],
    ['swaps a sign-in into an empty database', disk({ pending: null }), undefined, 'swap'],
    [
      'settles a sign-in that is in the row',
      disk({ number: 6, pending: KNOWN }),
      row({ number: 6 }),
      'settle',
    ],
    [
      'gives way where the row was changed meanwhile',
      disk({ number: 6, pending: KNOWN }),
      row({ home: OTHER, revision: OTHER }),
      'give-way',
    ],
    ['gives way where the row is gone', disk({ number: 6, pending: KNOWN }), undefined, 'give-way'],
  ]

  it.each(cases)('%s', (_name, onDisk, seen, verdict) => {
    expect(judgeRow(ME, onDisk, seen, KNOWN)).toBe(verdict)
  })
})
