import { expect, it } from 'vitest'
import { compareClocks } from '../../src/core/clocks.ts'
import { HOUR, later, NOW } from '../support/builders.ts'

it.each([
  { what: 'both went on', now: later(5_000), is: 'steady' },
  {
    what: 'they drifted by a second',
    now: { wall: NOW.wall + 6_000, mono: NOW.mono + 5_000 },
    is: 'steady',
  },
  {
    what: 'the machine slept',
    now: { wall: NOW.wall + HOUR, mono: NOW.mono + 5_000 },
    is: 'jumped',
  },
  {
    what: 'the wall clock was set back',
    now: { wall: NOW.wall - HOUR, mono: NOW.mono + 5_000 },
    is: 'set-back',
  },
  { what: 'the process was stopped for an hour', now: later(HOUR), is: 'steady' },
])('sees the clocks $is when $what', ({ now, is }) => {
  expect(compareClocks(NOW, now)).toBe(is)
})
