import { expect, it } from 'vitest'
import { attentionEvent } from '../../src/core/attention.ts'

it.each([
  [undefined, undefined, undefined],
  [undefined, 'login_required', 'login_required'],
  ['login_required', 'login_required', undefined],
  ['login_required', undefined, 'recovered'],
  ['misconfigured', 'login_required', 'login_required'],
  [undefined, 'login_expires', 'login_expires'],
  ['login_expires', 'login_required', 'login_required'],
  // It did not come to pass: there is nothing to be glad of.
  ['login_expires', undefined, undefined],
] as const)('from %s to %s a person hears of %s', (before, now, event) => {
  expect(attentionEvent(before, now)).toBe(event)
})
