import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../src/errors.ts'
import { openDoors } from './doors.ts'

describe('GET /v1/share', () => {
  it('says that nothing is shared', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().get('/v1/share').expect(200)
    expect(answer.body).toEqual({ shared: false })
  })
})

describe('POST /v1/share/move', () => {
  it('makes this keeper the home of an app', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/share/move').send({ app: 'evo-me' }).expect(200)
    expect(answer.body).toEqual({ app: 'evo-me' })
    expect(doors.asked).toEqual([['share move', 'evo-me']])
  })

  it('is not_home where another keeper has to do it', async () => {
    const refusal = new SidecarError('not_home', 'The home of "evo-me" is hub, not this keeper.')
    await using doors = await openDoors({ share: { move: () => Promise.reject(refusal) } })
    const answer = await doors.owner().post('/v1/share/move').send({ app: 'evo-me' }).expect(409)
    expect(answer.body).toMatchObject({ error: 'not_home', status: 409 })
  })

  it.each([{}, { app: 'Evo' }, { app: 'evo-me', force: true }])('refuses %j', async (body) => {
    await using doors = await openDoors()
    await doors.owner().post('/v1/share/move').send(body).expect(400)
    expect(doors.asked).toEqual([])
  })
})

describe('POST /v1/share/take-over', () => {
  it.each([
    [{ keeper: 'hub-1' }, false],
    [{ keeper: 'hub-1', force: true }, true],
  ])('takes over with %j', async (body, force) => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/share/take-over').send(body).expect(200)
    expect(answer.body).toEqual({ taken: ['evo-me'], left: [] })
    expect(doors.asked).toEqual([['share take-over', 'hub-1', force]])
  })
})

describe('POST /v1/share/leave', () => {
  it('names what is this daemon’s own now', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/share/leave').expect(200)
    expect(answer.body).toEqual({ apps: ['evo-me'], copies_left: [] })
  })
})

describe('POST /v1/share/reader-key', () => {
  it('answers with a key for each app', async () => {
    await using doors = await openDoors()
    const body = { apps: ['evo-me'] }
    const answer = await doors.owner().post('/v1/share/reader-key').send(body).expect(200)
    expect(answer.body).toEqual({ keys: [{ app: 'evo-me', number: 1, key: 'k'.repeat(43) }] })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(doors.asked).toEqual([['share reader-key', ['evo-me'], false]])
  })

  it.each([{}, { apps: [] }, { apps: ['*'] }])('refuses %j', async (body) => {
    await using doors = await openDoors()
    await doors.owner().post('/v1/share/reader-key').send(body).expect(400)
  })
})
