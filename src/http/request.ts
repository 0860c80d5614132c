/** Checks query and body of a request. A wrong value is an `invalid_request` that names the field and never shows the value. */
import type { IncomingMessage } from 'node:http'
import { hasBody } from '../core/request-body.ts'
import type { z } from 'zod'
import { SidecarError } from '../errors.ts'

const BODY_MAX_BYTES = 16 * 1024

/** Parses `value` by `schema`. @throws {SidecarError} `invalid_request`. */
export function parseValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const complaints = result.error.issues.slice(0, 3).map((issue) => {
    const field = issue.path.map(String).join('.')
    const what = issue.code === 'unrecognized_keys' ? unknownFields(issue.keys) : issue.message
    return `${field === '' ? '' : `${field}: `}${what}`
  })
  throw new SidecarError('invalid_request', `${complaints.join('; ')}.`)
}

/** The form of our fields' names, and of names that people mistake for them; no secret looks like this. */
const FIELD_NAME = /^[a-z_[\]-]{1,20}$/i

/** Names only what looks like a field: a value in the place of one is not shown. */
function unknownFields(keys: readonly string[]): string {
  const named = keys.slice(0, 3).filter((key) => FIELD_NAME.test(key))
  return ['unknown field', ...named.map((key) => `"${key}"`)].join(' ')
}

/**
 * Reads the JSON object in the body; `{}` for no body where none is required.
 *
 * Express's parser is not used: it reads a body that is too large to its end before it refuses it, and its errors
 * contain what it could not parse, perhaps a client secret.
 */
export async function readJsonBody<Schema extends z.ZodType>(
  request: IncomingMessage,
  { schema, required }: { readonly schema: Schema; readonly required: boolean },
): Promise<z.output<Schema>> {
  const bytes = hasBody(request) ? await readBody(request) : undefined
  if (bytes === undefined || bytes.length === 0) {
    if (required) throw new SidecarError('invalid_request', 'The request needs a JSON body.')
    return parseValue(schema, {})
  }
  return parseValue(schema, parseBody(bytes))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json *(; *charset="?utf-8"?)?$/i.test(type)) {
    throw new SidecarError('invalid_request', 'The Content-Type has to be application/json.')
  }
  if (request.headers['content-encoding'] !== undefined) {
    throw new SidecarError('invalid_request', 'The body must not have a Content-Encoding.')
  }
  if (Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES) throw toBodyTooLargeError()
  return collectBody(request)
}

/** Keeps the connection open where the body is too large: Node reads the rest and drops it. */
function collectBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= BODY_MAX_BYTES) chunks.push(chunk)
      else reject(toBodyTooLargeError())
    })
    request.once('end', () => {
      resolve(Buffer.concat(chunks))
    })
    const rejectCutShort = () => {
      reject(
        new SidecarError('invalid_request', 'The connection closed before the body was complete.'),
      )
    }
    request.once('error', rejectCutShort)
    request.once('close', rejectCutShort)
  })
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // The message of `JSON.parse` quotes the body.
    throw new SidecarError('invalid_request', 'The body is not valid JSON.')
  }
}

function toBodyTooLargeError(): SidecarError {
  return new SidecarError('too_large', 'The body is over 16 KiB.')
}
