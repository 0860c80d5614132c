/**
 * The settings `refresh.*`, for all apps and for one: the only place for their limits, defaults,
 * descriptions and meaning. The config's schema and the published JSON Schema are made from it, and a
 * test compares README's table with it.
 */
import type { z } from 'zod'
import type { App } from '../core/app.ts'
import { durationSetting, settingsObject } from './schema-parts.ts'

/** What an app has where neither it nor the config says otherwise. */
const REFRESH_DEFAULTS = { ahead: '10m', retryMin: '5s', retryMax: '5m' } as const

const REFRESH_SETTINGS = {
  ahead: durationSetting('1s', '1d').describe(
    'How long before its end a token is renewed; at most a quarter of its life, whatever stands here.',
  ),
  retryMin: durationSetting('100ms', '1h').describe(
    'The shortest wait after a renewal that did not work. Waits double from here.',
  ),
  retryMax: durationSetting('1s', '1d').describe(
    'The longest wait after a renewal that did not work.',
  ),
  sessionAge: durationSetting('1m', '3650d').describe(
    'How long after a sign-in the server ends the session, where it does not say so itself: people are told before.',
  ),
  atLeast: durationSetting('1s', '3650d').describe(
    'The longest time between two renewals, however long the token lives: some servers end a session whose refresh token is not used for long.',
  ),
}

/** For one app: each setting may be left out. */
export const appRefresh = settingsObject(
  `an object with ${Object.keys(REFRESH_SETTINGS).join(', ')}`,
  REFRESH_SETTINGS,
).partial()

/** For all apps, with the defaults. */
export const refreshSettings = appRefresh.extend({
  ahead: REFRESH_SETTINGS.ahead.prefault(REFRESH_DEFAULTS.ahead),
  retryMin: REFRESH_SETTINGS.retryMin.prefault(REFRESH_DEFAULTS.retryMin),
  retryMax: REFRESH_SETTINGS.retryMax.prefault(REFRESH_DEFAULTS.retryMax),
})

/** The settings of an app: its own, and those of all apps where it has none. */
export function toRefreshPolicy(
  all: z.output<typeof refreshSettings>,
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
