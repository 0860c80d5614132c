/** Routes of the owner about the daemon as a whole: its callers, its vault key, its config. */
import { z } from 'zod'
import { WRITABLE_SOURCES } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'
import { findNearest } from '../nearest.ts'
import { callerSchema, instantSchema, jsonAnswer, reloadedSchema } from './answer-schemas.ts'
import { toJsonAnswer, NO_CONTENT, toRfc3339, toRfc3339OrNull } from './answers.ts'
import { unknownApp } from './callers.ts'
import type { CallerEntry, Deps } from './deps.ts'
import { nameField, noBody, sha256Field } from './fields.ts'
import { type Route, route } from './route.ts'

const EXPIRES_RULE = 'has to be an instant to come, as in RFC 3339: 2027-01-31T00:00:00Z'
const APPS_RULE = 'has to be a list of app names, or ["*"] for all apps'
/** As many as fit into a body of 16 KiB. */
const GUARD_MAX = 240

export function ownerRoutes(deps: Deps): Route[] {
  const { activity, broker, callers, clock, reload, stop, streams, vaultKey, web } = deps
  return [
    route({
      method: 'get',
      path: '/v1/callers',
      access: 'owner',
      summary: 'The callers; never their access keys.',
      answers: { 200: jsonAnswer('The callers.', z.object({ callers: z.array(callerSchema) })) },
      answer: () => toJsonAnswer({ callers: callers.list().map(toCallerJson) }),
    }),
    route({
      method: 'post',
      path: '/v1/callers',
      access: 'owner',
      summary: 'Makes a caller; its access key is shown this once.',
      answers: {
        201: jsonAnswer(
          'The caller, with its key.',
          callerSchema.extend({ access_key: z.string() }),
        ),
      },
      body: {
        schema: z.strictObject({
          name: nameField,
          apps: z.union([z.tuple([z.literal('*')]), z.array(nameField).min(1).max(100)], APPS_RULE),
          expires_at: z.iso
            .datetime({ offset: true, error: EXPIRES_RULE })
            .transform((text) => Date.parse(text))
            .refine((instant) => instant > clock.read().wall, EXPIRES_RULE)
            .optional(),
        }),
        required: true,
      },
      async answer({ body }) {
        const apps = [...new Set(body.apps)]
        await requireConfigured(deps, apps)
        const added = await callers.add(body.name, apps, body.expires_at)
        activity.record({ kind: 'caller_added', caller: body.name })
        const shown = { ...toCallerJson(added.caller), access_key: added.accessKey.expose() }
        return toJsonAnswer(shown, 201)
      },
    }),
    route({
      method: 'delete',
      path: '/v1/callers/{name}',
      access: 'owner',
      summary: 'Removes a caller: its access key no longer works.',
      answers: { 204: { says: 'There is no such caller any more.', content: {} } },
      async answer({ params }) {
        requireCaller(callers.list(), params.name)
        await callers.remove(params.name)
        streams.endStreamsOf(params.name)
        activity.record({ kind: 'caller_removed', caller: params.name })
        return NO_CONTENT
      },
    }),
    route({
      method: 'post',
      path: '/v1/vault/key',
      access: 'owner',
      summary: 'Moves the vault key to another place, or makes a new one.',
      answers: {
        200: jsonAnswer(
          'It is done.',
          z.union([
            z.object({ rotated: z.literal(true) }),
            z.object({ source: z.enum(WRITABLE_SOURCES), configured: z.string() }),
          ]),
        ),
      },
      body: {
        schema: z
          .strictObject({
            source: z.enum(WRITABLE_SOURCES).optional(),
            rotate: z.literal(true).optional(),
          })
          .refine(({ source, rotate }) => (source === undefined) !== (rotate === undefined), {
            message: 'either source or rotate has to be there',
          })
          .meta({ oneOf: [{ required: ['source'] }, { required: ['rotate'] }] }),
        required: true,
      },
      async answer({ body: { source } }) {
        if (source === undefined) {
          await vaultKey.rotate()
          return toJsonAnswer({ rotated: true })
        }
        await vaultKey.move(source)
        return toJsonAnswer({ source, configured: vaultKey.configured() })
      },
    }),
    route({
      method: 'post',
      path: '/v1/guard',
      access: 'owner',
      summary: 'Which of these digests are those of secrets that we hold.',
      answers: { 200: jsonAnswer('Those of them.', z.object({ sha256: z.array(z.string()) })) },
      body: {
        schema: z.strictObject({
          sha256: z.array(sha256Field, 'has to be a list').max(GUARD_MAX, `${GUARD_MAX} at most`),
        }),
        required: true,
      },
      answer: ({ body }) => toJsonAnswer({ sha256: broker.holds(body.sha256) }),
    }),
    route({
      method: 'post',
      path: '/v1/web',
      access: 'owner',
      summary: 'Opens a port for the page, and answers with a link to it that works once.',
      answers: {
        200: jsonAnswer('The link.', z.object({ open_url: z.string(), expires_at: instantSchema })),
      },
      body: noBody,
      async answer() {
        const { openUrl, expiresAt } = await web.open()
        return toJsonAnswer({ open_url: openUrl, expires_at: toRfc3339(expiresAt) })
      },
    }),
    route({
      method: 'post',
      path: '/v1/reload',
      access: 'owner',
      summary: 'Reads the config again; a bad one changes nothing and says why.',
      answers: { 200: jsonAnswer('What changed.', reloadedSchema) },
      body: noBody,
      answer: async () => toJsonAnswer(await reload()),
    }),
    route({
      method: 'post',
      path: '/v1/stop',
      access: 'owner',
      summary: 'Stops the daemon in order, as SIGTERM does.',
      answers: { 204: { says: 'It stops.', content: {} } },
      body: noBody,
      answer() {
        stop()
        return NO_CONTENT
      },
    }),
  ]
}

/** @throws {SidecarError} `invalid_request` for the first app that is not configured. */
async function requireConfigured(
  { broker, appsInConfig }: Deps,
  apps: readonly string[],
): Promise<void> {
  const unknown = apps.find((app) => app !== '*' && !broker.hasApp(app))
  if (unknown === undefined) return
  const inFile = (await appsInConfig()).includes(unknown)
  throw unknownApp('invalid_request', unknown, broker.appNames(), inFile)
}

/** @throws {SidecarError} `not_found`, with a similar name where there is one. */
function requireCaller(callers: readonly CallerEntry[], name: string): void {
  const names = callers.map((caller) => caller.name)
  if (names.includes(name)) return
  const nearest = findNearest(name, names)
  const instead = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
  throw new SidecarError('not_found', `There is no caller of this name.${instead}`, {
    hint: '`evo-token caller list` shows the callers.',
  })
}

function toCallerJson({ name, apps, createdAt, lastUsedAt, expiresAt }: CallerEntry) {
  return {
    name,
    apps,
    created_at: toRfc3339(createdAt),
    last_used_at: toRfc3339OrNull(lastUsedAt),
    ...(expiresAt !== undefined && { expires_at: toRfc3339(expiresAt) }),
  }
}
