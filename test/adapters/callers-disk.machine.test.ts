/** Where the callers' files lie on a disk that fills up. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.ts'
import { digest, stateIn } from './callers-state.ts'

describe('a disk that is full', () => {
  itNeeds(noSmallDisk())('changes nothing, in memory or on disk, and says so', async () => {
    using disk = mountSmallDisk()
    const state = stateIn(disk.path)
    const callers = await state.start()
    const before = state.stored()
    disk.fill()
    await expect(callers.add('notebook', ['*'])).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('the disk is full') as string,
    })
    await expect(callers.remove('local')).rejects.toMatchObject({ code: 'failed' })
    expect(callers.list().map(({ name }) => name)).toEqual(['local'])
    expect(callers.identify(digest(state.key()))).toMatchObject({
      name: 'local',
    })
    expect(state.stored()).toEqual(before)
    disk.empty()
    await callers.add('notebook', ['*'])
    expect(state.stored()).toHaveLength(2)
  })

  itNeeds(noSmallDisk())('does not stop the flush, which says so once', async () => {
    using disk = mountSmallDisk()
    const state = stateIn(disk.path)
    const callers = await state.start()
    disk.fill()
    callers.noteUse('local')
    await callers.flush()
    await callers.flush()
    expect(state.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    disk.empty()
    await callers.flush()
    expect(state.stored()[0]?.last_used_at).toBe('2026-01-01T00:00:00.000Z')
  })
})
