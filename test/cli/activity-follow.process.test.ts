/** `activity --follow` at a daemon that restarts. */
import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'
import { until } from '../support/until.ts'
import { startStandIn } from './stand-in.ts'

it('closes a stream beside which the past could not be read', async () => {
  const streams: ServerResponse[] = []
  await using daemon = await startStandIn({
    'GET /v1/apps': () => ({ json: { apps: [] } }),
    'GET /v1/activity?limit=50': () =>
      streams.length === 2
        ? { problem: { error: 'unavailable', detail: 'Not now.' } }
        : { json: { items: [], next: null } },
    'GET /v1/events?activity=1': () => ({
      stream(response) {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.flushHeaders()
        streams.push(response)
      },
    }),
  })
  const captured = captureIo({ env: daemon.env })
  const ended = runCli(['activity', '--follow'], captured.io)
  await until('nothing is told', () => captured.stdout.text.includes('Nothing has happened yet.'))
  streams[0]?.destroy()
  await until('it has connected again', () => streams.length === 3)

  expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true, false])

  captured.io.stdout.emit('close')
  expect(await ended).toBe(0)
})
