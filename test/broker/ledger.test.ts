/** The mark on disk of a request that may have spent the refresh token: who takes it off, and when. */
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../src/broker/ledger.ts'
import { identityOf } from '../../src/core/app.ts'
import { Secret } from '../../src/secret.ts'
import { app } from '../support/builders.ts'
import { createMemoryVault } from '../support/broker-world.ts'

const ME = 'evo-me'
const clock = { read: () => ({ wall: 0, mono: 0 }) }
const sharing = { home: 'here', number: 7, readerKey: 1 }

async function withRecord() {
  const memory = createMemoryVault()
  const identity = identityOf(app())
  const ledger = new Ledger(memory.vault.records, ME, identity, undefined, clock)
  await ledger.write({})
  return { ...memory, ledger }
}

describe('a mark', () => {
  it('stays where the disk refuses the answer: it may have it whole in the place of the mark', async () => {
    const { ledger, disk, attempts } = await withRecord()
    await ledger.reserve()
    disk.refuses = true
    await ledger.write({ clientSecret: new Secret('answer') })
    await ledger.conclude()
    expect(attempts.has(ME)).toBe(true)
    disk.refuses = false
    expect(await ledger.retry()).toEqual({ kind: 'stored' })
    expect(attempts.has(ME)).toBe(false)
  })

  it.each(['share', 'writeOrKeep'] as const)(
    'is made again where %s stores a record while a request is out',
    async (how) => {
      const { ledger, attempts } = await withRecord()
      await ledger.reserve()
      if (how === 'share') await ledger.share(sharing)
      else await ledger.writeOrKeep({ nextClientSecret: new Secret('next') })
      expect(attempts.has(ME)).toBe(true)
      await ledger.conclude()
      expect(attempts.has(ME)).toBe(false)
    },
  )

  it.each(['share', 'writeOrKeep'] as const)(
    'of a lost answer outlives what %s stores',
    async (how) => {
      const { ledger, attempts } = await withRecord()
      await ledger.reserve()
      ledger.unanswered = true
      await ledger.conclude()
      if (how === 'share') await ledger.share(sharing)
      else await ledger.writeOrKeep({ nextClientSecret: new Secret('next') })
      expect(attempts.has(ME)).toBe(true)
      expect(ledger.unanswered).toBe(true)
    },
  )
})
