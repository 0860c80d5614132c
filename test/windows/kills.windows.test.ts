import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noWindows } from '../support/wine.ts'
import { killOnWindows } from './kills.ts'

describe('a daemon on Windows that is killed', () => {
  itNeeds(noWindows())(
    'keeps its session through 20 kills outside of the window',
    async () => {
      const { kills, lost, rotations } = await killOnWindows(20)

      expect({ kills, lost }).toEqual({ kills: 20, lost: 0 })
      // Each second kill comes after a rotation, and one refresh after them all.
      expect(rotations).toBeGreaterThanOrEqual(11)
      // A minute; ten on a machine that does much else.
    },
    600_000,
  )
})
