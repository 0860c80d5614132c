/**
 * A record on disk: JSON in a JWE whose header binds the app and the kind of record, on the first
 * line of its file. What follows that line is room for the next record.
 *
 * A newer version may have written it. What it added is kept (`UnknownMembers`); what it changed
 * cannot be read here, and does not count as damage.
 */
import * as z from 'zod'
import type { Identity } from '../../../core/app.ts'
import type { AppRecord, Sharing } from '../../../core/vault.ts'
import type { PastFailure } from '../../../core/ports.ts'
import type { SinceBoot } from '../../../core/stored-tokens.ts'
import type { Sealed, Subject, UnknownMembers } from '../../../core/token.ts'
import { Secret } from '../../../secret.ts'
import type { VaultKey } from '../sealing/key-ring.ts'
import { seal, unseal } from '../sealing/sealed-text.ts'
import { parseJson } from '../../../core/json-object.ts'

/**
 * `attempt`: the mark, a copy of the record whose refresh token a request is about to spend; or a
 * record that came from another keeper together with such a mark.
 */
export type RecordKind = 'app' | 'attempt'

export interface DecodedRecord {
  readonly kind: RecordKind
  readonly record: AppRecord
}

/** Has every property of `T`, so that the compiler reports a new one that is missing here. */
type CompleteShape<T> = { [K in Exclude<keyof T, keyof UnknownMembers>]-?: z.ZodType }

/** An object with the members of `shape`; unknown ones are kept. */
function looseSchema<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.looseObject(shape).transform((object) => {
    const isKnown = (name: string) => Object.hasOwn(shape, name)
    if (Object.keys(object).every(isKnown)) return object
    const entries: [string, unknown][] = Object.entries(object)
    const unknown = entries.filter(([name]) => !isKnown(name))
    // `fromEntries` forgets the types of the members, which the schema has checked.
    const known = Object.fromEntries(entries.filter(([name]) => isKnown(name))) as z.output<
      z.ZodObject<S>
    >
    const unknownMembers = new Secret(JSON.stringify(Object.fromEntries(unknown)))
    return { ...known, unknownMembers }
  })
}

const secretSchema = z.string().transform((value) => new Secret(value))
const instantNumber = z.number()
const durationMs = z.number().nonnegative()
const optionalText = z.string().exactOptional()

const tokensSchema = looseSchema({
  accessToken: secretSchema,
  refreshToken: secretSchema.exactOptional(),
  receivedAt: instantNumber,
  receivedSinceBoot: looseSchema({
    boot: z.string(),
    ms: z.number(),
  } satisfies CompleteShape<SinceBoot>).exactOptional(),
  lifetimeMs: durationMs.nullable(),
  lifetimeAssumed: z.literal(true).exactOptional(),
  // Format 1 kept the age at which the policy of its day made the token stale, `refreshAfterMs`, and
  // no draw: any value will do. `refreshAfterMs` is kept as an unknown member.
  draw: z.number().min(0).max(1).default(0.5),
  scope: optionalText,
  subject: looseSchema({
    id: z.string(),
    name: optionalText,
  } satisfies CompleteShape<Subject>).exactOptional(),
} satisfies CompleteShape<NonNullable<AppRecord['tokens']>>)

/** On disk, as over a wire, a failure's code is its `error`. */
type WrittenFailure = Omit<PastFailure, 'code'> & { readonly error: string }

const pastFailure = looseSchema({
  error: z.string(),
  message: z.string(),
  at: instantNumber,
} satisfies CompleteShape<WrittenFailure>).transform(({ error, ...rest }): PastFailure => ({
  code: error,
  ...rest,
}))

function toWritten({ code, ...rest }: PastFailure): WrittenFailure {
  return { error: code, ...rest }
}

/** A change of it may need a new format: see `FORMAT` in `header.ts`. */
export const recordSchema: z.ZodType<AppRecord & { readonly attempt?: true }> = looseSchema({
  generation: z.int().nonnegative(),
  identity: looseSchema({
    issuer: z.string(),
    tokenEndpoint: z.string().nullable(),
    clientId: z.string(),
    type: z.enum(['native', 'spa', 'web', 'service']),
  } satisfies CompleteShape<Identity>),
  tokens: tokensSchema.exactOptional(),
  askedScope: optionalText,
  lost: pastFailure.exactOptional(),
  clientSecret: secretSchema.exactOptional(),
  nextClientSecret: secretSchema.exactOptional(),
  signedInAt: instantNumber.exactOptional(),
  refreshTokenExpiresAt: instantNumber.exactOptional(),
  refreshTokenStatedAt: instantNumber.exactOptional(),
  refreshTokenLifetimeMs: durationMs.exactOptional(),
  refreshTokenLifetimeAt: instantNumber.exactOptional(),
  refreshTokenEndStays: z.literal(true).exactOptional(),
  sharing: looseSchema({
    home: z.uuid(),
    number: z.int().nonnegative(),
    readerKey: z.int().positive(),
    handedOver: z.literal(true).exactOptional(),
    pending: z.uuid().nullable().exactOptional(),
  } satisfies CompleteShape<Sharing>).exactOptional(),
  attempt: z.literal(true).exactOptional(),
} satisfies CompleteShape<AppRecord & { attempt: true }>)

export async function encodeRecord(
  app: string,
  decoded: DecodedRecord,
  key: VaultKey,
): Promise<string> {
  const purpose = { 'evo-app': app, 'evo-kind': decoded.kind } as const
  return `${await seal(toPlainText(decoded), purpose, key)}\n`
}

/** The content of a record, to be sealed. */
export function toPlainText({ kind, record }: DecodedRecord): string {
  const { lost } = record
  const content = {
    ...record,
    ...(lost && { lost: toWritten(lost) }),
    ...(kind === 'attempt' && { attempt: true }),
  }
  return JSON.stringify(exposeAll(content))
}

/** Undefined for what is not a record that this version can read. */
export function fromPlainText(text: string): DecodedRecord | undefined {
  const parsed = recordSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const { attempt, ...record } = parsed.data
  return { kind: attempt ? 'attempt' : 'app', record }
}

/**
 * `broken` where `text` is not a whole record of this app under one of our keys: torn, changed, or
 * another app's. `newer` where it is whole, and this version cannot read its content.
 */
export async function decodeRecord(
  app: string,
  text: string,
  ring: readonly VaultKey[],
): Promise<DecodedRecord | 'newer' | 'broken'> {
  const unsealed = await unseal(firstLine(text), ring)
  if (unsealed?.header['evo-app'] !== app) return 'broken'
  const decoded = fromPlainText(unsealed.plaintext)
  return decoded && unsealed.header['evo-kind'] === decoded.kind ? decoded : 'newer'
}

export function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : text.slice(0, end)
}

/** The plain text of a record, to be encrypted: the only place where all of an app's secrets are exposed. */
function exposeAll(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isSealed(value)) return value.expose()
  if (Array.isArray(value)) return value.map(exposeAll)
  const { unknownMembers, ...known } = value as UnknownMembers
  return {
    ...(unknownMembers && (JSON.parse(unknownMembers.expose()) as object)),
    ...Object.fromEntries(Object.entries(known).map(([name, member]) => [name, exposeAll(member)])),
  }
}

function isSealed(value: object): value is Sealed {
  return 'expose' in value
}
