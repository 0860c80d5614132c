import { describe, expect, it } from 'vitest'
import { KEY, LIMITED_KEY, openDoors } from './doors.ts'

describe('GET /healthz', () => {
  it('answers anyone on both doors', async () => {
    await using doors = await openDoors()
    expect((await doors.tcp().get('/healthz').expect(200)).body).toEqual({ status: 'ok' })
    expect((await doors.owner().get('/healthz').expect(200)).body).toEqual({ status: 'ok' })
  })

  it('adds a proof for a caller and a nonce, of unknown callers too', async () => {
    await using doors = await openDoors()
    const known = await doors.tcp().get('/healthz?caller=local&nonce=n%201').expect(200)
    expect(known.body).toEqual({ status: 'ok', proof: 'local-n 1' })
    const unknown = await doors.tcp().get('/healthz?caller=nobody&nonce=x').expect(200)
    expect(unknown.body).toEqual({ status: 'ok', proof: 'nobody-x' })
  })

  it('takes nonces of 1 to 256 characters', async () => {
    await using doors = await openDoors()
    await doors
      .tcp()
      .get(`/healthz?caller=local&nonce=${'n'.repeat(256)}`)
      .expect(200)
    await doors
      .tcp()
      .get(`/healthz?caller=local&nonce=${'n'.repeat(257)}`)
      .expect(400)
    await doors.tcp().get('/healthz?caller=local&nonce=').expect(400)
  })

  it('adds none for a nonce that names an address which is not the one asked', async () => {
    await using doors = await openDoors()
    const proofFor = (address: string) =>
      doors.tcp().get(`/healthz?caller=local&nonce=n@${address}`)
    await proofFor(`127.0.0.1:${doors.port}`).expect(200)
    for (const address of [`[::1]:${doors.port}`, `127.0.0.1:${doors.port + 1}`, '127.0.0.1', '']) {
      const answer = await proofFor(address).expect(403)
      expect(answer.body).toMatchObject({ error: 'forbidden' })
      expect(answer.body).not.toHaveProperty('proof')
    }
  })

  it.each(['caller=local', 'nonce=x', 'caller=local&nonce=x&nonce=y', 'caller=No%20Name&nonce=x'])(
    'refuses ?%s',
    async (query) => {
      await using doors = await openDoors()
      const answer = await doors.tcp().get(`/healthz?${query}`).expect(400)
      expect(answer.body).toMatchObject({ error: 'invalid_request' })
    },
  )
})

describe('GET /readyz', () => {
  const notReady = {
    broker: {
      readiness: (app: string) =>
        app === 'evo-me'
          ? { ready: true, reason: null }
          : { ready: false, reason: 'login_required' },
    },
  }

  it('is 200 when every app of the caller is ready', async () => {
    await using doors = await openDoors()
    expect((await doors.tcp(KEY).get('/readyz').expect(200)).body).toEqual({
      ready: true,
      apps: {
        'evo-me': { ready: true, reason: null },
        'evo-pipeline': { ready: true, reason: null },
      },
    })
  })

  it('is 503 with the reason when one is not, and looks at the apps of the caller only', async () => {
    await using doors = await openDoors(notReady)
    expect((await doors.owner().get('/readyz').expect(503)).body).toEqual({
      ready: false,
      apps: {
        'evo-me': { ready: true, reason: null },
        'evo-pipeline': { ready: false, reason: 'login_required' },
      },
    })
    expect((await doors.tcp(LIMITED_KEY).get('/readyz').expect(200)).body).toEqual({
      ready: true,
      apps: { 'evo-me': { ready: true, reason: null } },
    })
  })

  it('is 503 when there is no app to see', async () => {
    await using none = await openDoors({ broker: { appNames: () => [] } })
    expect((await none.tcp(KEY).get('/readyz').expect(503)).body).toEqual({
      ready: false,
      apps: {},
    })
    await using others = await openDoors({ broker: { appNames: () => ['evo-pipeline'] } })
    expect((await others.tcp(LIMITED_KEY).get('/readyz').expect(503)).body).toEqual({
      ready: false,
      apps: {},
    })
  })

  it('tells of one app', async () => {
    await using doors = await openDoors(notReady)
    expect((await doors.tcp(KEY).get('/readyz/evo-pipeline').expect(503)).body).toEqual({
      ready: false,
      apps: { 'evo-pipeline': { ready: false, reason: 'login_required' } },
    })
    await doors.tcp(KEY).get('/readyz/evo-me').expect(200)
    await doors.tcp(KEY).get('/readyz/evo-nowhere').expect(404)
  })
})
