import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { appStatus, type Doors, KEY, LIMITED_KEY, openDoors } from './doors.ts'

interface Reader {
  readonly answer: IncomingMessage
  /** The apps of the events that have come so far. */
  readonly apps: readonly string[]
  readonly text: () => string
}

/** @param key none: through the owner's door. */
async function read({ port, socketPath }: Doors, key?: string): Promise<Reader> {
  const asked = request({
    ...(key === undefined ? { socketPath } : { port, host: '127.0.0.1' }),
    path: '/v1/events',
    headers: key === undefined ? { host: 'localhost' } : { authorization: `Bearer ${key}` },
    agent: false,
  }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const apps: string[] = []
  let text = ''
  let begun = ''
  answer.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    const events = `${begun}${piece}`.split('\n\n')
    begun = events.pop() ?? ''
    for (const event of events) {
      const data = /^event: status\ndata: (.*)$/.exec(event)?.[1]
      if (data !== undefined) apps.push((JSON.parse(data) as { app: string }).app)
    }
  })
  return { answer, apps, text: () => text }
}

describe('GET /v1/events', () => {
  it('tells the state of every app at once, and then each change', async () => {
    await using doors = await openDoors()
    const { answer, apps } = await read(doors, KEY)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    })
    await until('both apps are told of', () => apps.length === 2)
    doors.streams.sendStatus('evo-pipeline')
    await until('the change is told of', () => apps.length === 3)
    expect(apps).toEqual(['evo-me', 'evo-pipeline', 'evo-pipeline'])
  })

  it('tells the state of each of thousands of apps, and of none that is gone meanwhile', async () => {
    const names = Array.from({ length: 3_000 }, (_, at) => `app-${at}`)
    await using doors = await openDoors({
      broker: { appNames: () => names, hasApp: (app) => app !== 'app-2998' },
    })
    const { apps } = await read(doors, KEY)
    await until('the last app is told of', () => apps.at(-1) === 'app-2999')
    expect(apps).toEqual(names.filter((name) => name !== 'app-2998'))
  })

  it('tells of an app that is gone those who could see it', async () => {
    await using doors = await openDoors()
    const [all, limited] = [await read(doors, KEY), await read(doors, LIMITED_KEY)]
    doors.streams.sendRemoved('evo-old')
    doors.streams.sendRemoved('evo-me')
    await until('the caller is told of its app', limited.text, (text) =>
      text.includes('event: removed'),
    )
    const removed = ({ text }: Reader) =>
      [...text().matchAll(/^event: removed\ndata: (.*)$/gm)].map(([, data]) => data)
    expect(removed(limited)).toEqual(['{"app":"evo-me"}'])
    await until(
      'the other caller is told of both apps',
      () => removed(all),
      ({ length }) => length === 2,
    )
  })

  it('tells a caller of its own apps only, in our words', async () => {
    const lastError = { code: 'invalid_client', message: 'SERVER-WORDS', at: 0 }
    await using doors = await openDoors({
      broker: { status: (app) => appStatus({ app, session: 'misconfigured', lastError }) },
    })
    const { apps, text } = await read(doors, LIMITED_KEY)
    doors.streams.sendStatus('evo-pipeline')
    doors.streams.sendStatus('evo-me')
    await until('the change is told of', () => apps.length === 2)
    expect(apps).toEqual(['evo-me', 'evo-me'])
    expect(text()).not.toContain('SERVER-WORDS')
    expect(text()).not.toContain('Ada')
  })

  it('ends at once for a caller that is removed, and for no other', async () => {
    await using doors = await openDoors()
    const gone = await read(doors, LIMITED_KEY)
    const stays = await read(doors, KEY)
    const ended = once(gone.answer, 'end')
    await doors.owner().delete('/v1/callers/notebook').expect(204)
    await ended
    doors.streams.sendStatus('evo-me')
    await until('the change is told of', () => stays.apps.length === 3)
  })

  it('goes on for the owner where a caller of that name is removed', async () => {
    await using doors = await openDoors()
    const { apps } = await read(doors)
    await until('both apps are told of', () => apps.length === 2)
    doors.streams.endStreamsOf('owner')
    doors.streams.sendStatus('evo-me')
    await until('the change is told of', () => apps.length === 3)
  })

  it('ends when the daemon stops, and one that comes later is not kept waiting', async () => {
    await using doors = await openDoors()
    const { answer } = await read(doors, KEY)
    const ended = once(answer, 'end')
    doors.streams.close()
    await ended
    const late = await read(doors, KEY)
    await once(late.answer, 'end')
    expect(late.text()).toBe('')
  })

  it('sends a comment at each beat', async () => {
    await using doors = await openDoors()
    const { text } = await read(doors, KEY)
    doors.streams.sendHeartbeat()
    await until('the comment has come', text, (sent) => sent.endsWith(':\n\n'))
  })

  it('is refused without a key', async () => {
    await using doors = await openDoors()
    await doors.tcp().get('/v1/events').expect(401)
  })
})
