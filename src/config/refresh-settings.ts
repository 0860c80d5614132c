/**
 * The settings `refresh.*`, for all apps and for one: the only place for their limits, defaults,
 * descriptions and meaning. The config's schema and the published JSON Schema are made from it, and a
 * test compares README's table with it.
 */
import type { z } from 'zod'
import type { App } from '../core/app.ts'
import { duration, settings } from './schema-parts.ts'

/** What an app has where neither it nor the config says otherwise. */
const DEFAULTS = { ahead: '10m', retryMin: '5s', retryMax: '5m' } as const

const SETTINGS = {
  ahead: duration('1s', '1d').describe(
    'How long before its end a token is renewed; at most a quarter of its life, whatever stands here.',
  ),
  retryMin: duration('100ms', '1h').describe(
    'The shortest wait after a renewal that did not work. Waits double from here.',
  ),
  retryMax: duration('1s', '1d').describe('The longest wait after a renewal that did not work.'),
  sessionAge: duration('1m', '3650d').describe(
    'How long after a sign-in the server ends the session, where it does not say so itself: people are told before.',
  ),
  atLeast: duration('1s', '3650d').describe(
    'The longest time between two renewals, however long the token lives: some servers end a session whose refresh token is not used for long.',
  ),
}

/** For one app: each setting may be left out. */
export const appRefresh = settings(
  `an object with ${Object.keys(SETTINGS).join(', ')}`,
  SETTINGS,
).partial()

/** For all apps, with the defaults. */
export const refresh = appRefresh.extend({
  ahead: SETTINGS.ahead.prefault(DEFAULTS.ahead),
  retryMin: SETTINGS.retryMin.prefault(DEFAULTS.retryMin),
  retryMax: SETTINGS.retryMax.prefault(DEFAULTS.retryMax),
})

/** The settings of an app: its own, and those of all apps where it has none. */
export function toRefreshPolicy(
  all: z.output<typeof refresh>,
  own: z.output<typeof appRefresh> = {},
): App['refresh'] {
  const sessionAgeMs = own.sessionAge ?? all.sessionAge
  const atLeastMs = own.atLeast ?? all.atLeast
  return {
    aheadMs: own.ahead ?? all.ahead,
    retryMinMs: own.retryMin ?? all.retryMin,
    retryMaxMs: own.retryMax ?? all.retryMax,
    ...(sessionAgeMs !== undefined && { sessionAgeMs }),
    ...(atLeastMs !== undefined && { atLeastMs }),
  }
}
