/** Routes of the owner about sessions that are shared with other hosts. */
import { z } from 'zod'
import { jsonAnswer } from './answer-schemas.ts'
import { toJsonAnswer } from './answers.ts'
import type { Deps } from './deps.ts'
import { nameField, noBody } from './fields.ts'
import { type Route, route } from './route.ts'

const keeperSchema = z.object({
  name: z.string(),
  id: z.uuid(),
  host: z.string(),
  version: z.string(),
  beat_at: z.string().nullable().meta({ description: 'Null since it stopped in order.' }),
  alive: z.boolean(),
  same_apps: z.boolean().meta({ description: 'Whether it has the same apps in its config.' }),
  same_key: z.boolean().meta({
    description:
      'Whether it has the vault key that this daemon seals with, and this daemon the one that it seals with.',
  }),
})

const sharedApp = z.object({
  app: z.string(),
  home: z.string().nullable(),
  here: z.boolean().meta({ description: 'Whether this daemon renews it.' }),
  number: z.int().nullable(),
  generation: z.int().nullable(),
  published: z.boolean().nullable().meta({
    description: 'Whether other hosts find the last record; null for an app that is not shared.',
  }),
})

const serverSchema = z.object({
  host: z.string(),
  error: z.string().nullable().meta({ description: 'Why it cannot be used.' }),
  tls: z.boolean(),
  takes_writes: z.boolean().nullable(),
  version: z.string().nullable().meta({ description: 'Of PostgreSQL.' }),
  schema_version: z.int().nullable(),
  rights: z
    .enum(['keeper', 'reader', 'none'])
    .nullable()
    .meta({ description: 'Whose rights the role has there.' }),
  readable_apps: z
    .array(z.string())
    .nullable()
    .meta({ description: 'The apps that the role of a reader may read.' }),
})

const sharingSchema = z.union([
  z.object({ shared: z.literal(false) }),
  z.object({
    shared: z.literal(true),
    role: z.enum(['keeper', 'reader']),
    name: z.string(),
    database: z.object({
      hosts: z.array(z.string()),
      primaries: z.array(z.string()),
      latency_ms: z.int().nullable(),
      error: z.string().nullable(),
      servers: z.array(serverSchema),
    }),
    id: z.uuid().optional(),
    confirmed: z.boolean().optional(),
    message: z.string().nullable().optional(),
    keepers: z.array(keeperSchema).optional(),
    apps: z.array(sharedApp).optional(),
  }),
])

const takenSchema = z.object({
  taken: z.array(z.string()),
  left: z.array(z.object({ app: z.string(), reason: z.string() })),
})

const leftSchema = z.object({
  apps: z.array(z.string()),
  copies_left: z.array(z.string()).meta({
    description: 'Those of which the database may still have a copy, since it did not answer.',
  }),
})

const READER_APPS_MAX = 100

export function shareRoutes({ share }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/share',
      access: 'owner',
      summary: 'What is shared with other hosts, and their state.',
      answers: { 200: jsonAnswer('How it is.', sharingSchema) },
      answer: () => toJsonAnswer(share.status()),
    }),
    route({
      method: 'post',
      path: '/v1/share/move',
      access: 'owner',
      summary:
        'Makes this keeper the home of an app: the old one finishes, publishes and hands over.',
      answers: { 200: jsonAnswer('It is the home.', z.object({ app: z.string() })) },
      body: { schema: z.strictObject({ app: nameField }), required: true },
      async answer({ body: { app } }) {
        await share.move(app)
        return toJsonAnswer({ app })
      },
    }),
    route({
      method: 'post',
      path: '/v1/share/take-over',
      access: 'owner',
      summary: 'Makes this keeper the home of the apps of one that is stopped for good.',
      answers: { 200: jsonAnswer('What was taken over.', takenSchema) },
      body: {
        schema: z.strictObject({
          keeper: z.string().min(1).max(64),
          force: z.boolean().default(false),
        }),
        required: true,
      },
      answer: async ({ body }) => toJsonAnswer(await share.takeOver(body.keeper, body.force)),
    }),
    route({
      method: 'post',
      path: '/v1/share/leave',
      access: 'owner',
      summary: 'Ends the sharing of every app whose home this daemon is.',
      answers: {
        200: jsonAnswer('The apps that are its own now.', leftSchema),
      },
      body: noBody,
      async answer() {
        const { apps, copiesLeft } = await share.leave()
        return toJsonAnswer({ apps, copies_left: copiesLeft })
      },
    }),
    route({
      method: 'post',
      path: '/v1/share/reader-key',
      access: 'owner',
      summary: 'The keys with which readers open the published tokens of these apps.',
      answers: {
        200: jsonAnswer(
          'The keys.',
          z.object({
            keys: z.array(z.object({ app: z.string(), number: z.int(), key: z.string() })),
          }),
        ),
      },
      body: {
        schema: z.strictObject({
          apps: z.array(nameField).min(1).max(READER_APPS_MAX),
          renew: z.boolean().default(false),
        }),
        required: true,
      },
      async answer({ body: { apps, renew } }) {
        const keys = await share.readerKeys(apps, renew)
        return toJsonAnswer({
          keys: keys.map(({ key, ...rest }) => ({ ...rest, key: key.expose() })),
        })
      },
    }),
  ]
}
