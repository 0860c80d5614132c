/** Routes about the daemon: metrics for Prometheus, and the description of this interface. */
import { z } from 'zod'
import { jsonAnswer } from './answer-schemas.ts'
import { type Answer, toAnswer, toJsonAnswer } from './answers.ts'
import { visibleApps } from './callers.ts'
import type { Deps } from './deps.ts'
import type { Door } from './door.ts'
import { metricsOf } from './metrics.ts'
import { describeRoutes } from './openapi.ts'
import { type Route, route } from './route.ts'

/** `all` has every route to describe; these two are added to it. */
export function aboutRoutes({ broker, version }: Deps, all: readonly Route[]): Route[] {
  // Made when it is asked for first: it takes longer than any other answer, and never changes.
  const descriptions = new WeakMap<Door, Answer>()
  return [
    route({
      method: 'get',
      path: '/metrics',
      access: 'callers',
      summary: 'Figures about the apps of the caller, in the text format of Prometheus.',
      answers: { 200: { says: 'The figures.', content: { 'text/plain': z.string() } } },
      async answer({ caller }) {
        const { contentType, text } = await metricsOf(broker, visibleApps(broker, caller), version)
        return toAnswer(200, contentType, text)
      },
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      access: 'callers',
      summary: 'This interface, in OpenAPI 3.1.',
      answers: { 200: jsonAnswer('The description.', z.looseObject({ openapi: z.string() })) },
      answer({ door }) {
        const known = descriptions.get(door) ?? toJsonAnswer(describeRoutes(all, version, door))
        descriptions.set(door, known)
        return known
      },
    }),
  ]
}
