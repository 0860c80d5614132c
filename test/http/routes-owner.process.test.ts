import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../src/errors.ts'
import { createApp } from '../../src/http/app.ts'
import { createTcpDoor } from '../../src/http/door.ts'
import { routesOf } from '../../src/http/app.ts'
import { sha256Hex } from '../../src/secret.ts'
import { KEY, openDoors, recordedDeps } from './doors.ts'

describe('/v1/callers', () => {
  it('lists the callers without their keys', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().get('/v1/callers').expect(200)
    expect(answer.body).toEqual({
      callers: ['local', 'notebook'].map((name) => ({
        name,
        apps: ['*'],
        created_at: '2026-01-01T00:00:00Z',
        last_used_at: null,
      })),
    })
  })

  it('makes a caller and shows its key', async () => {
    await using doors = await openDoors()
    const answer = await doors
      .owner()
      .post('/v1/callers')
      .send({ name: 'notebook', apps: ['evo-me', 'evo-pipeline', 'evo-me'] })
      .expect(201)
    expect(answer.body).toEqual({
      name: 'notebook',
      apps: ['evo-me', 'evo-pipeline'],
      created_at: '2026-01-01T00:00:00Z',
      last_used_at: null,
      access_key: KEY,
    })
    const all = await doors
      .owner()
      .post('/v1/callers')
      .send({ name: 'all', apps: ['*'] })
      .expect(201)
    expect(all.body).toMatchObject({ apps: ['*'] })
  })

  it('makes a caller whose key expires', async () => {
    await using doors = await openDoors()
    const add = (expires_at: unknown) =>
      doors
        .owner()
        .post('/v1/callers')
        .send({ name: 'a', apps: ['*'], expires_at })
    const made = await add('2026-01-31T02:00:00+02:00').expect(201)
    expect(made.body).toMatchObject({ expires_at: '2026-01-31T00:00:00Z' })
    for (const bad of ['2025-12-31T00:00:00Z', 'tomorrow', 7, null, '']) {
      const refused = await add(bad).expect(400)
      expect((refused.body as { detail: string }).detail).toContain('has to be an instant to come')
    }
  })

  it('refuses an app that is not configured, and says which is, or that a reload brings it', async () => {
    await using doors = await openDoors({ appsInConfig: () => Promise.resolve(['evo-new']) })
    const add = async (app: string) => {
      const body = { name: 'a', apps: ['evo-me', app] }
      const answer = await doors.owner().post('/v1/callers').send(body).expect(400)
      return answer.body as { detail: string; hint: string }
    }
    expect((await add('evo-pipelin')).detail).toContain('Did you mean "evo-pipeline"?')
    expect((await add('evo-new')).hint).toContain('evo-token reload')
  })

  it.each([
    { name: 'Notebook', apps: ['*'] },
    { name: '.hidden', apps: ['*'] },
    { name: 'a'.repeat(65), apps: ['*'] },
    { name: 7, apps: ['*'] },
    { apps: ['*'] },
  ])('refuses the name in %j', async (body) => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/callers').send(body).expect(400)
    expect((answer.body as { detail: string }).detail).toBe(
      'name: has to match [a-z0-9][a-z0-9._-]{0,63}.',
    )
  })

  it.each([[[]], [['*', 'evo-me']], [['Evo']], ['evo-me'], [undefined], [[5]]])(
    'refuses the apps %j',
    async (apps) => {
      await using doors = await openDoors()
      const answer = await doors.owner().post('/v1/callers').send({ name: 'a', apps }).expect(400)
      expect((answer.body as { detail: string }).detail).toMatch(/^apps/)
    },
  )

  it('ends a caller', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().delete('/v1/callers/notebook').expect(204)
    expect(answer.text).toBe('')
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(doors.asked).toEqual([
      ['remove', 'notebook'],
      ['record', { kind: 'caller_removed', caller: 'notebook' }],
    ])
  })

  it('is not_found for a caller that is not there', async () => {
    await using doors = await openDoors()
    const remove = async (name: string) => {
      const answer = await doors.owner().delete(`/v1/callers/${name}`).expect(404)
      return (answer.body as { detail: string }).detail
    }
    expect(await remove('nobody')).toBe('There is no caller of this name.')
    expect(await remove('notebok')).toContain('Did you mean "notebook"?')
    expect(doors.asked).toEqual([])
  })
})

describe('POST /v1/vault/key', () => {
  it('moves the key or makes a new one', async () => {
    await using doors = await openDoors()
    const client = doors.owner()
    const moved = await client.post('/v1/vault/key').send({ source: 'file' }).expect(200)
    expect(moved.body).toEqual({ source: 'file', configured: 'auto' })
    const rotated = await client.post('/v1/vault/key').send({ rotate: true }).expect(200)
    expect(rotated.body).toEqual({ rotated: true })
    expect(doors.asked).toEqual([['move', 'file'], ['rotate']])
  })

  it.each([
    {},
    { source: 'credential' },
    { rotate: false },
    { rotate: 'true' },
    { source: 'file', rotate: true },
  ])('refuses %j and does nothing', async (body) => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/vault/key').send(body).expect(400)
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
    expect(doors.asked).toEqual([])
  })
})

describe('POST /v1/guard', () => {
  it('names the digests that are of secrets we hold', async () => {
    await using doors = await openDoors()
    const held = sha256Hex('held')
    const answer = await doors
      .owner()
      .post('/v1/guard')
      .send({ sha256: [held.toUpperCase(), sha256Hex('other')] })
      .expect(200)
    expect(answer.body).toEqual({ sha256: [held] })
    const none = await doors.owner().post('/v1/guard').send({ sha256: [] }).expect(200)
    expect(none.body).toEqual({ sha256: [] })
  })

  it('takes as many digests as fit into a body', async () => {
    await using doors = await openDoors()
    const digests = (count: number) =>
      Array.from({ length: count }, (_, at) => sha256Hex(String(at)))
    await doors
      .owner()
      .post('/v1/guard')
      .send({ sha256: digests(240) })
      .expect(200)
    await doors
      .owner()
      .post('/v1/guard')
      .send({ sha256: digests(260) })
      .expect(413)
  })

  it.each([{}, { sha256: 'abc' }, { sha256: ['abc'] }, { sha256: [sha256Hex('a'), 7] }])(
    'refuses %j',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.owner().post('/v1/guard').send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toMatch(/^sha256/)
    },
  )
})

describe('POST /v1/reload', () => {
  it('answers with what the reload says', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/reload').expect(200)
    expect(answer.body).toEqual({ added: ['evo-new'] })
  })

  it('says why where the config is bad', async () => {
    await using doors = await openDoors({
      reload: () => Promise.reject(new SidecarError('config', 'apps.x: no clientId.')),
    })
    const answer = await doors.owner().post('/v1/reload').expect(400)
    expect(answer.body).toMatchObject({ error: 'config', detail: 'apps.x: no clientId.' })
  })
})

describe('POST /v1/stop', () => {
  it('has the daemon stop, once it has answered', async () => {
    await using doors = await openDoors()
    await doors.owner().post('/v1/stop').expect(204)
    expect(doors.asked).toEqual([['stop']])
  })
})

describe('every owner route on TCP', () => {
  const { deps } = recordedDeps()
  const ownerRoutes = routesOf(deps).filter(({ access }) => access === 'owner')

  it('is there to be tested', () => {
    expect(ownerRoutes.map(({ method, path }) => `${method} ${path}`)).toHaveLength(20)
    expect(createApp(deps, createTcpDoor(deps))).toBeTypeOf('function')
  })

  it.each(ownerRoutes.map(({ method, path }) => [method, path] as const))(
    'is forbidden with a good key: %s %s',
    async (method, path) => {
      await using doors = await openDoors()
      // Neither the app, nor the body, nor the method is looked at.
      const url = path.replaceAll(/\{\w+\}/g, 'nowhere')
      const answer = await doors.tcp(KEY)[method](url).expect(403)
      expect(answer.body).toMatchObject({ error: 'forbidden' })
      const oversized = doors.tcp(KEY)[method](url).set('Content-Type', 'text/html')
      await oversized.send('x'.repeat(20_000)).expect(403)
      await doors.tcp(KEY).patch(url).expect(403)
      await doors.tcp()[method](url).expect(401)
      expect(doors.asked.filter(([name]) => name !== 'noteUse')).toEqual([])
    },
  )
})
