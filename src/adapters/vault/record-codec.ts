/**
 * A record as it lies on disk: JSON in a JWE whose header binds the app and the kind of record, on
 * the first line of its file. What follows that line is room kept free for the next record.
 */
import * as z from 'zod'
import type { Identity } from '../../core/app.ts'
import type { AppRecord } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { Secret } from '../../secret.ts'
import type { VaultKey } from './key-ring.ts'
import { seal, unseal } from './sealed-text.ts'

/** `attempt`: the record that a request is about to spend, in the place of the one it will bring. */
export type RecordKind = 'app' | 'attempt'

export interface Decoded {
  readonly kind: RecordKind
  readonly record: AppRecord
}

type Exposed<T> = T extends Sealed
  ? string
  : T extends object
    ? { readonly [K in keyof T]: Exposed<T[K]> }
    : T

/** Every property of `T`, so that a new one cannot be forgotten here. */
type Shape<T> = { [K in keyof Required<T>]: z.ZodType }

const instant = z.number()
const durationMs = z.number().nonnegative()
const optionalText = z.string().exactOptional()

const tokens = z.strictObject({
  accessToken: z.string(),
  refreshToken: optionalText,
  receivedAt: instant,
  lifetimeMs: durationMs.nullable(),
  lifetimeAssumed: z.literal(true).exactOptional(),
  refreshAfterMs: durationMs,
  scope: optionalText,
  subject: z.strictObject({ id: z.string(), name: optionalText }).exactOptional(),
} satisfies Shape<NonNullable<AppRecord['tokens']>>)

const payload: z.ZodType<Exposed<AppRecord> & { readonly attempt?: true }> = z.strictObject({
  generation: z.int().nonnegative(),
  identity: z.strictObject({
    issuer: z.string(),
    tokenEndpoint: z.string().nullable(),
    clientId: z.string(),
    type: z.enum(['native', 'spa', 'web', 'service']),
  } satisfies Shape<Identity>),
  tokens: tokens.exactOptional(),
  askedScope: optionalText,
  lost: z.strictObject({ error: z.string(), message: z.string(), at: instant }).exactOptional(),
  clientSecret: optionalText,
  nextClientSecret: optionalText,
  signedInAt: instant.exactOptional(),
  refreshTokenExpiresAt: instant.exactOptional(),
  refreshTokenStatedAt: instant.exactOptional(),
  attempt: z.literal(true).exactOptional(),
} satisfies Shape<AppRecord & { attempt: true }>)

export async function encodeRecord(
  app: string,
  { kind, record }: Decoded,
  key: VaultKey,
): Promise<string> {
  const content = { ...expose(record), ...(kind === 'attempt' && { attempt: true }) }
  const jwe = await seal(JSON.stringify(content), { 'evo-app': app, 'evo-kind': kind }, key)
  return `${jwe}\n`
}

/**
 * Undefined where `text` is not a whole record of this very app under one of our keys: torn,
 * changed, or another app's.
 */
export async function decodeRecord(
  app: string,
  text: string,
  ring: readonly VaultKey[],
): Promise<Decoded | undefined> {
  const unsealed = await unseal(firstLine(text), ring)
  if (unsealed?.header['evo-app'] !== app) return undefined
  const parsed = payload.safeParse(jsonOf(unsealed.plaintext))
  if (!parsed.success) return undefined
  const { attempt, ...record } = parsed.data
  const kind = attempt ? 'attempt' : 'app'
  return unsealed.header['evo-kind'] === kind ? { kind, record: conceal(record) } : undefined
}

export function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : text.slice(0, end)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The one place where everything that we hold of an app leaves as text: to be encrypted. */
function expose(record: AppRecord): Exposed<AppRecord> {
  const { tokens, clientSecret, nextClientSecret, ...plain } = record
  return {
    ...plain,
    ...(tokens && { tokens: exposeTokens(tokens) }),
    ...(clientSecret && { clientSecret: clientSecret.expose() }),
    ...(nextClientSecret && { nextClientSecret: nextClientSecret.expose() }),
  }
}

function exposeTokens({
  accessToken,
  refreshToken,
  ...plain
}: NonNullable<AppRecord['tokens']>): Exposed<NonNullable<AppRecord['tokens']>> {
  return {
    ...plain,
    accessToken: accessToken.expose(),
    ...(refreshToken && { refreshToken: refreshToken.expose() }),
  }
}

function conceal(record: Exposed<AppRecord>): AppRecord {
  const { tokens, clientSecret, nextClientSecret, ...plain } = record
  return {
    ...plain,
    ...(tokens && { tokens: concealTokens(tokens) }),
    ...(clientSecret !== undefined && { clientSecret: new Secret(clientSecret) }),
    ...(nextClientSecret !== undefined && { nextClientSecret: new Secret(nextClientSecret) }),
  }
}

function concealTokens({
  accessToken,
  refreshToken,
  ...plain
}: Exposed<NonNullable<AppRecord['tokens']>>): NonNullable<AppRecord['tokens']> {
  return {
    ...plain,
    accessToken: new Secret(accessToken),
    ...(refreshToken !== undefined && { refreshToken: new Secret(refreshToken) }),
  }
}
