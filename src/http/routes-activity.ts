/** Routes for what happened and who got how many tokens. A caller sees its apps and its own counts, the owner everything. */
import { DAY_MS } from '../core/durations.ts'
import { z } from 'zod'
import { ACTIVITY_KINDS, RENEWAL_CAUSES, type TokenCount } from '../core/activity.ts'
import { maySee, shownCaller, toActivityJson, toMoment } from './activity-view.ts'
import { instantSchema, jsonAnswer } from './answer-schemas.ts'
import { toJsonAnswer, toRfc3339 } from './answers.ts'
import { type Caller, isVisible, mayUse, unknownApp, visibleApps } from './callers.ts'
import type { Deps } from './deps.ts'
import { momentField, nameField, wholeNumber } from './fields.ts'
import { type Route, route } from './route.ts'

const ITEMS_PER_PAGE_MAX = 1_000
const COUNTS_MAX = 10_000

/** The default of `until`: entries that a wrong clock dated further ahead would come before all others. */
const AHEAD_MS = DAY_MS

const itemSchema = z.object({
  at: z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    .meta({ format: 'date-time', description: 'When it happened.' }),
  app: nameField.nullable().meta({ description: 'Null for what concerns the daemon as a whole.' }),
  kind: z.enum(ACTIVITY_KINDS),
  caller: z
    .string()
    .nullable()
    .meta({ description: 'Who caused it; a caller sees no name but its own.' }),
  cause: z.enum(RENEWAL_CAUSES).nullable().meta({ description: 'Why a token was renewed.' }),
  duration_ms: z.int().min(0).nullable(),
  error: z.string().nullable().meta({ description: "The code of the app's problem." }),
  fingerprint: z.string().nullable(),
})

const nextPageSchema = z
  .string()
  .nullable()
  .meta({ description: 'The `until` of the next page; null on the last one.' })

const countSchema = z.object({
  hour: instantSchema.meta({ description: 'When the hour began (UTC).' }),
  app: nameField.nullable().meta({
    description:
      'Null in a sum over apps, and where a day has so many that what is left of them is counted together.',
  }),
  caller: z.string().nullable().meta({
    description:
      'Null in a sum over callers, and where a day has so many pairs of app and caller (some 10,000) that those that come later are counted together.',
  }),
  tokens: z.int().min(0),
})

const periodQuery = {
  app: nameField.optional(),
  caller: nameField.optional(),
  since: momentField.optional(),
  until: momentField.optional().meta({
    description:
      'Not included. A day from now, unless it says otherwise: a clock may have been wrong.',
  }),
}

export function activityRoutes({ activity, broker, clock }: Deps): Route[] {
  const requireVisible = (caller: Caller, app: string | undefined) => {
    if (app === undefined || isVisible(broker, caller, app)) return
    throw unknownApp('unknown_app', app, visibleApps(broker, caller))
  }
  return [
    route({
      method: 'get',
      path: '/v1/activity',
      access: 'callers',
      summary: 'What happened to the apps of the caller, newest first, for the last 7 days.',
      answers: {
        200: jsonAnswer(
          'A page of entries.',
          z.object({ items: z.array(itemSchema), next: nextPageSchema }),
        ),
      },
      query: z.strictObject({
        ...periodQuery,
        kind: z.enum(ACTIVITY_KINDS, 'has to be a kind of entry').optional(),
        limit: wholeNumber(1, ITEMS_PER_PAGE_MAX, 100),
      }),
      async answer({ caller, door, query }) {
        if (!door.isOwners) requireVisible(caller, query.app)
        const found = await activity.items({
          since: query.since ?? -Infinity,
          until: query.until ?? clock.read().wall + AHEAD_MS,
          limit: query.limit,
          matches: (one) =>
            maySee(caller, door, one) &&
            (query.app === undefined || one.app === query.app) &&
            (query.kind === undefined || one.kind === query.kind) &&
            (query.caller === undefined || shownCaller(caller, door, one) === query.caller),
        })
        return toJsonAnswer({
          items: found.items.map((one) => toActivityJson(one, caller, door)),
          next: found.next === null ? null : toMoment(found.next),
        })
      },
    }),
    route({
      method: 'get',
      path: '/v1/activity/hours',
      access: 'callers',
      summary:
        'How many tokens were handed out in each hour, newest first: to the caller, or for the owner to all. The last day, unless `since` says otherwise; they are kept for 90 days.',
      answers: {
        200: jsonAnswer(
          'Counts of whole hours.',
          z.object({ items: z.array(countSchema), next: nextPageSchema }),
        ),
      },
      query: z.strictObject({
        ...periodQuery,
        sum: z
          .enum(['apps', 'callers'], 'has to be apps or callers')
          .optional()
          .meta({ description: 'Adds up the counts of all apps, or of all callers.' }),
        limit: wholeNumber(1, COUNTS_MAX, 1_000),
      }),
      async answer({ caller, door, query }) {
        if (!door.isOwners) requireVisible(caller, query.app)
        const found = await activity.hours({
          since: query.since ?? clock.read().wall - DAY_MS,
          until: query.until ?? clock.read().wall + AHEAD_MS,
          limit: query.limit,
          ...(query.sum && { sumOver: query.sum }),
          matches: (app, by) =>
            (door.isOwners || (by === caller.name && app !== null && mayUse(caller, app))) &&
            (query.app === undefined || app === query.app) &&
            (query.caller === undefined || by === query.caller),
        })
        return toJsonAnswer({
          items: found.counts.map(toCountJson),
          next: found.next === null ? null : toRfc3339(found.next),
        })
      },
    }),
  ]
}

function toCountJson({ hour, ...rest }: TokenCount) {
  return { hour: toRfc3339(hour), ...rest }
}
