/**
 * Schemas of responses, for the OpenAPI description and for the tests that compare real responses with it.
 * An object may gain members in a later version.
 */
import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import { NAME_PATTERN } from '../core/names.ts'

/** The response of a route under one status. */
export interface AnswerRule {
  readonly says: string
  /** By media type; empty for a response without a body. */
  readonly content: Readonly<Record<string, z.ZodType>>
}

export function jsonAnswer(says: string, schema: z.ZodType): AnswerRule {
  return { says, content: { 'application/json': schema } }
}

const nameSchema = z.string().regex(NAME_PATTERN)

/** RFC 3339 in UTC, as `toRfc3339` writes it. */
export const instantSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .meta({ format: 'date-time' })

const reasonSchema = z
  .string()
  .nullable()
  .meta({ description: 'A code; null where nothing is wrong.' })

export const readinessSchema = z.object({
  ready: z.boolean(),
  apps: z.record(nameSchema, z.object({ ready: z.boolean(), reason: reasonSchema })),
})

export const tokenSchema = z.object({
  app: nameSchema,
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int().min(0).nullable().meta({
    description: 'Whole seconds still left; null for a token that does not end.',
  }),
  expires_at: instantSchema.nullable(),
  scope: z.string().nullable(),
})

export const statusSchema = z.object({
  app: nameSchema,
  type: z.enum(['native', 'spa', 'web', 'service']),
  session: z.enum(['signed-out', 'active', 'retrying', 'misconfigured']),
  freshness: z.enum(['fresh', 'stale', 'expired', 'none']),
  expires_at: instantSchema.nullable(),
  refresh_at: instantSchema.nullable(),
  refreshed_at: instantSchema.nullable(),
  retry_at: instantSchema.nullable(),
  failures: z.int().min(0),
  scope: z.string().nullable(),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .nullable()
    .meta({ description: "The first 8 hex digits of the access token's SHA-256." }),
  last_error: z.object({ error: z.string(), message: z.string(), at: instantSchema }).nullable(),
  problem: z
    .object({
      error: z.string(),
      message: z.string(),
      hint: z.string(),
      blocking: z.boolean().meta({
        description: 'Whether it keeps a token from being served, or from surviving a restart.',
      }),
    })
    .nullable()
    .meta({ description: 'What is wrong and what to do; null where nothing is.' }),
  subject: z.string().nullish().meta({ description: 'Who is signed in; for the owner only.' }),
  session_expires_at: instantSchema.nullish().meta({ description: 'For the owner only.' }),
  session_expires_soon: z.boolean().optional().meta({ description: 'For the owner only.' }),
  home: z.string().optional().meta({
    description: 'The keeper that renews it, where other hosts share it; for the owner only.',
  }),
})

export const appsSchema = z.object({
  version: z.string().meta({ description: 'Version of the daemon.' }),
  program: z
    .string()
    .optional()
    .meta({ description: 'The directory of the program that runs; for the owner only.' }),
  problems: z
    .array(z.object({ error: z.string(), message: z.string(), hint: z.string() }))
    .optional()
    .meta({ description: 'What is wrong with the daemon itself; for the owner only.' }),
  apps: z.array(statusSchema),
})

const startedMembers = { id: z.string(), expires_at: instantSchema }

export const startedSignInSchema = z.union([
  z.object({
    ...startedMembers,
    authorization_url: z.string(),
    open_url: z.string().nullable().meta({
      description:
        'The one-time link for a browser on this machine; null where none is to be opened: the redirect URI is elsewhere, or another user may have its port.',
    }),
    listening: z.boolean().meta({
      description:
        'Whether the browser can come back to the daemon; if not, paste the address that it ends on.',
    }),
    busy_port: z.int().nullable().meta({
      description: 'The port of the redirect URI, where another program has it.',
    }),
    busy_port_user: z.enum(['own', 'other', 'unknown']).nullable().meta({
      description: 'Whose program that is: one of the user of the daemon, or of another user.',
    }),
  }),
  z.object({
    ...startedMembers,
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string().nullable(),
  }),
])

export const signInSchema = z.object({
  status: z.enum(['pending', 'succeeded', 'failed']),
  error: z.string().nullable(),
  message: z.string().nullable(),
  subject: z.string().nullable(),
  scope: z.string().nullable(),
  expires_at: instantSchema.nullable(),
})

export const signInProgressSchema = signInSchema.extend({
  visited: z.boolean().meta({
    description: 'Whether a browser has opened the one-time link, or come back.',
  }),
  https_tried: z.boolean().meta({
    description: 'Whether a browser tried https: on the port of the redirect URI.',
  }),
})

export const callerSchema = z.object({
  name: nameSchema,
  apps: z.array(z.string()).meta({ description: 'Names of apps, or `*` alone for all of them.' }),
  created_at: instantSchema,
  last_used_at: instantSchema.nullable(),
  expires_at: instantSchema
    .optional()
    .meta({ description: 'When its key expires; absent for never.' }),
})

const namesSchema = z.array(nameSchema)

export const reloadedSchema = z.object({
  added: namesSchema,
  removed: namesSchema,
  changed: namesSchema,
  sign_in_needed: namesSchema,
  restart_needed: z.array(z.string()).meta({ description: 'Settings.' }),
  warnings: z.array(z.string()),
})

/** RFC 9457, with a stable code and what to do. */
export function problemSchema(codes: readonly [ErrorCode, ...ErrorCode[]]) {
  return z.object({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    error: z.enum(codes),
    hint: z.string(),
  })
}
