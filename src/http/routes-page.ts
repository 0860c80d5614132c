/** Routes of the page alone: facts about the daemon, a renewal that serves no token, `doctor`. */
import { z } from 'zod'
import { jsonAnswer, statusSchema } from './answer-schemas.ts'
import { toJsonAnswer, NO_CONTENT, toStatusJson } from './answers.ts'
import type { Deps, PageService } from './deps.ts'
import { noBody } from './fields.ts'
import { type Route, route } from './route.ts'

export function pageRoutes({ broker }: Deps, page: PageService): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/page',
      access: 'owner',
      summary: 'About the daemon.',
      answers: { 200: jsonAnswer('Version and places.', z.looseObject({ version: z.string() })) },
      answer: () => toJsonAnswer(page.about()),
    }),
    route({
      method: 'delete',
      path: '/v1/page',
      access: 'owner',
      summary: 'Ends the page: its key no longer works.',
      answers: { 204: { says: 'It has ended.', content: {} } },
      answer({ request }) {
        page.end(request)
        return NO_CONTENT
      },
    }),
    route({
      method: 'post',
      path: '/v1/apps/{app}/renew',
      access: 'owner',
      summary: 'A new token now, whatever back-off or limit waits; answers with the status.',
      answers: { 200: jsonAnswer('The app.', statusSchema) },
      body: noBody,
      async answer({ caller, door, params }) {
        await broker.refresh(params.app, { now: true, caller: caller.name })
        return toJsonAnswer(toStatusJson(broker.status(params.app), door))
      },
    }),
    route({
      method: 'post',
      path: '/v1/doctor',
      access: 'owner',
      summary: 'Runs doctor; each check is a line of JSON, when it is done.',
      answers: {
        200: { says: 'The checks.', content: { 'application/x-ndjson': z.string() } },
      },
      body: noBody,
      async answer({ response }) {
        const closed = new AbortController()
        response.once('close', () => {
          closed.abort()
        })
        const lines = await page.startDoctor(closed.signal)
        response.writeHead(200, {
          'Cache-Control': 'no-store',
          'Content-Type': 'application/x-ndjson',
          'X-Content-Type-Options': 'nosniff',
        })
        response.flushHeaders()
        for await (const line of lines) response.write(`${line}\n`)
        response.end()
        return undefined
      },
    }),
  ]
}
