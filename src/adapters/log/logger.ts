/**
 * The log: one JSON line per event. A secret is kept out of it three times: by the type `Secret`,
 * by the names of fields, and by a last look at every finished line (`scrub.ts`).
 */
import pino from 'pino'
import type { Log } from '../../core/ports.ts'
import { createLineOutput, type LineOutput } from './line-output.ts'
import { scrub } from './scrub.ts'
import { removePieces } from './secret-pieces.ts'

/** Fields that hold secrets in OAuth, in HTTP or in our own records. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'client_secret',
  'clientSecret',
  'client_assertion',
  'private_key',
  'privateKey',
  'code_verifier',
  'codeVerifier',
  'device_code',
  'deviceCode',
  'access_key',
  'accessKey',
  'authorization',
  'cookie',
  'password',
])

const REDACTED = '[redacted]'

/** Enough for a network error as the cause of a library's error as the cause of ours, and more. */
const FIELD_DEPTH_MAX = 6

export interface Logger extends Log {
  /** Writes what still waits, before it returns: for the end of the process. */
  flush(): void
}

export interface LoggerOptions {
  readonly level: string
  /** Gets whole lines; standard output unless it is given. */
  readonly destination?: Pick<LineOutput, 'write'> & Partial<LineOutput>
}

export function createLogger({ level, destination }: LoggerOptions): Logger {
  const output: LoggerOptions['destination'] = destination ?? createLineOutput(1)
  const flush = () => {
    output.flush?.()
  }
  // Also where a bug ends the process.
  if (output.flush) process.once('exit', flush)
  const log = pino(
    {
      level,
      base: null,
      timestamp: createTimestamps(),
      formatters: { level: (label) => ({ level: label }), log: plainFields },
      // Pino's own serializer would describe errors a second time.
      serializers: { err: (described: unknown) => described },
    },
    {
      write(line) {
        output.write(scrub(line))
      },
    },
  )
  return {
    trace: log.trace.bind(log),
    debug: log.debug.bind(log),
    info: log.info.bind(log),
    warn: log.warn.bind(log),
    error: log.error.bind(log),
    flush,
  }
}

/** As pino's `isoTime`, written out once for all lines of a millisecond. */
function createTimestamps(): () => string {
  let at = NaN
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

/**
 * Plain data without secret fields, at every depth. Not by pino's own redaction: that interprets a
 * list of paths for every line, which costs more than all the rest of handing out a token.
 */
function plainFields(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name in fields) {
    if (typeof fields[name] === 'object' || SECRET_FIELDS.has(name)) {
      return plainEntries(fields, FIELD_DEPTH_MAX)
    }
  }
  return fields
}

function plainEntries(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      SECRET_FIELDS.has(name) ? REDACTED : plainData(value, depth - 1),
    ]),
  )
}

function plainData(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth < 0) return '[deeper]'
  if (value instanceof Error) return describeError(value, depth)
  if (hasOwnJson(value)) return plainData(value.toJSON(), depth - 1)
  if (Array.isArray(value)) return value.map((one) => plainData(one, depth - 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  const isRecord = prototype === Object.prototype || prototype === null
  return isRecord ? plainEntries(value, depth) : Object.prototype.toString.call(value)
}

/** Whether it has a JSON form of its own, as a `Secret` has: its fingerprint. */
function hasOwnJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

/**
 * Keeps nothing else of an error: libraries attach whole requests and responses to theirs. Its message
 * may quote a part of what a parser could not parse.
 */
function describeError(error: Error, depth: number): object {
  const { name, message, stack, cause } = error
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return {
    type: name,
    message: removePieces(scrub(message)),
    ...('code' in error && { code: String(error.code) }),
    stack: stack === undefined ? stack : removePieces(scrub(stack)),
    ...(cause !== undefined && { cause: plainData(cause, depth - 1) }),
    ...(inner.length > 0 && { errors: inner.slice(0, 5).map((one) => plainData(one, depth - 1)) }),
  }
}
