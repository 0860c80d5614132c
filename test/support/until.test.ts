import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from './until.ts'

const soon = { limitMs: 30 }

describe('until', () => {
  it('resolves with what it saw once that fits', async () => {
    let looks = 0
    expect(
      await until(
        'it was looked at thrice',
        () => ++looks,
        (seen) => seen === 3,
      ),
    ).toBe(3)
    expect(looks).toBe(3)
  })

  it('says what it waited for, and what it saw last, when the time is over', async () => {
    const seen = { status: 503 }
    await expect(
      until(
        'the app is ready',
        async () => seen,
        ({ status }) => status === 200,
        soon,
      ),
    ).rejects.toThrow('Waited 0.03 s in vain until the app is ready. Last seen: { status: 503 }')
  })

  it('shows the end of a long text', async () => {
    const text = `${'x'.repeat(5_000)} the end`
    const waiting = until(
      'it is told',
      () => text,
      () => false,
      soon,
    )
    await expect(waiting).rejects.toThrow(/: x{1992} the end$/)
  })

  it('ends a look that never ends', async () => {
    const never = () => new Promise<boolean>(() => undefined)
    await expect(until('it answers', never, Boolean, soon)).rejects.toThrow(
      /it answers\. The first look has not ended\.$/,
    )
  })

  it('waits for a file that is not there yet', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'evo-token-until-')), 'late.env')
    let looks = 0
    const content = await until(
      'the file is written',
      () => {
        if (++looks === 3) writeFileSync(path, 'A=1')
        return readFileSync(path, 'utf8')
      },
      (seen) => seen === 'A=1',
    )
    expect({ content, looks }).toEqual({ content: 'A=1', looks: 3 })
  })

  it('names the file that was missing to the end', async () => {
    const reading = () => readFileSync('/no/such/file', 'utf8')
    await expect(until('it is written', reading, Boolean, soon)).rejects.toThrow(
      /it is written\. Last seen: ENOENT.*\/no\/such\/file/,
    )
  })

  it.each<[string, Error]>([
    ['looking fails', new Error('no answer')],
    [
      'a program is missing',
      Object.assign(new Error('no answer'), { code: 'ENOENT', syscall: 'spawnSync busctl' }),
    ],
  ])('fails at once where %s', async (_name, error) => {
    const failing = () => {
      throw error
    }
    await expect(until('it is there', failing)).rejects.toThrow('no answer')
  })
})
