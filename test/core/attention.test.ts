import { describe, expect, it } from 'vitest'
import { attentionEvent, needOf } from '../../src/core/attention.ts'
import { appStatus } from '../http/doors.ts'

const lastError = { error: 'invalid_grant', message: 'It is over.', at: 0 }

describe('an app', () => {
  it.each([
    ['that is well', {}, undefined],
    ['that nobody signed in to yet', { session: 'signed-out' }, undefined],
    ['whose session was lost', { session: 'signed-out', lastError }, 'login_required'],
    ['that the server refuses', { session: 'misconfigured', lastError }, 'misconfigured'],
    [
      'of a service, signed out',
      { session: 'signed-out', type: 'service', lastError },
      'misconfigured',
    ],
    ['that is tried again', { session: 'retrying', lastError }, undefined],
    ['whose session ends soon', { sessionExpiresSoon: true }, 'login_expires'],
    [
      'whose session ends soon, and that is tried again',
      { session: 'retrying', lastError, sessionExpiresSoon: true },
      'login_expires',
    ],
  ] as const)('%s', (_, status, need) => {
    expect(needOf(appStatus(status))).toBe(need)
  })
})

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
