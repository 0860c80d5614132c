/** Whether an answer is as the row of its route says. */
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { problemSchema } from '../../src/http/answer-schemas.ts'
import { PROBLEM_CODES, PROBLEM_TYPE } from '../../src/http/problems.ts'
import type { Route } from '../../src/http/route.ts'

export interface Answered {
  readonly status: number
  /** The Content-Type; undefined where there is none. */
  readonly type: string | undefined
  readonly text: string
}

const PROBLEM = problemSchema(PROBLEM_CODES)

/** What is wrong with the answer; undefined for nothing. A member that is not described is a fault too. */
export function faultOf(
  { answers }: Pick<Route, 'answers'>,
  { status, type, text }: Answered,
): string | undefined {
  const mediaType = type?.replace(/;.*/, '')
  const rule = answers[status]
  if (mediaType === PROBLEM_TYPE) {
    if (status < 400) return `a problem with ${status}`
    const problem = JSON.parse(text) as { readonly status?: unknown }
    if (problem.status !== status) return `a problem that says ${String(problem.status)}`
    return unlike(PROBLEM, problem)
  }
  if (!rule) return `${status} is not described`
  if (mediaType === undefined) return Object.keys(rule.content).length > 0 ? 'no body' : undefined
  const schema = rule.content[mediaType]
  if (!schema) return `${status} with ${mediaType} is not described`
  return unlike(schema, mediaType.endsWith('json') ? JSON.parse(text) : text)
}

function unlike(schema: z.ZodType, value: unknown): string | undefined {
  const { success, data, error } = schema.safeParse(value)
  if (!success) return error.message
  return isDeepStrictEqual(data, value) ? undefined : 'it has more members than are described'
}
