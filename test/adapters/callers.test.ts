import { createHash, createHmac } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { sha256Hex } from '../../src/secret.ts'
import { later, MINUTE, NOW } from '../support/builders.ts'
import { itNeeds } from '../support/needs.ts'
import { digest, stateIn } from './callers-state.ts'

function stateDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-callers-'))
  return {
    ...stateIn(directory),
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true })
    },
  }
}

describe('the first start', () => {
  it('makes the caller local for all apps, and its key in a file of its own', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    expect(callers.list()).toEqual([
      { name: 'local', apps: ['*'], createdAt: NOW.wall, lastUsedAt: null },
    ])
    expect(readFileSync(state.accessKeyPath, 'utf8')).toMatch(/^evtk_[\w-]{43}\n$/)
    expect(callers.identify(digest(state.key()))).toMatchObject({
      name: 'local',
      apps: ['*'],
    })
  })

  it('makes both files private to this user, and the list no key', async () => {
    using state = stateDirectory()
    await state.start()
    for (const path of [state.path, state.accessKeyPath]) {
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
    expect(readFileSync(state.path, 'utf8')).not.toContain('evtk_')
    expect(state.stored()).toEqual([
      {
        name: 'local',
        apps: ['*'],
        sha256: sha256Hex(state.key()),
        created_at: '2026-01-01T00:00:00.000Z',
        last_used_at: null,
      },
    ])
    expect(readdirSync(state.directory).sort()).toEqual(['access-key', 'callers.json'])
  })

  it('never logs the key', async () => {
    using state = stateDirectory()
    await state.start()
    expect(state.log.lines).toHaveLength(1)
    expect(JSON.stringify(state.log.lines)).not.toContain(state.key())
  })
})

describe('the next start', () => {
  it('keeps every caller and the key', async () => {
    using state = stateDirectory()
    const first = await state.start()
    const { accessKey } = await first.add('notebook', ['evo-me'])
    const key = state.key()
    const callers = await state.start()
    expect(callers.list()).toEqual(first.list())
    expect(state.key()).toBe(key)
    expect(callers.identify(digest(accessKey.expose()))).toMatchObject({
      name: 'notebook',
      apps: ['evo-me'],
    })
  })

  it('makes a new key where the file is gone, and says so', async () => {
    using state = stateDirectory()
    await state.start()
    const old = state.key()
    rmSync(state.accessKeyPath)
    const callers = await state.start()
    expect(state.key()).not.toBe(old)
    expect(callers.identify(digest(old))).toBeUndefined()
    expect(callers.identify(digest(state.key()))).toMatchObject({
      name: 'local',
    })
    expect(callers.list()).toHaveLength(1)
    expect(state.log.lines.at(-1)).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('the access key was gone: made a new one') as string,
    })
  })

  it('makes a new key where that in the file is no caller’s', async () => {
    using state = stateDirectory()
    await state.start()
    writeFileSync(state.accessKeyPath, 'evtk_of-another-time\n')
    const callers = await state.start()
    expect(callers.identify(digest(state.key()))).toMatchObject({
      name: 'local',
    })
    expect(state.log.lines.at(-1)?.level).toBe('warn')
  })

  it('leaves the key of another caller in the file', async () => {
    using state = stateDirectory()
    const { accessKey } = await (await state.start()).add('notebook', ['evo-me'])
    writeFileSync(state.accessKeyPath, accessKey.expose())
    await state.start()
    expect(state.key()).toBe(accessKey.expose())
  })

  it('does not bring local back once it was removed', async () => {
    using state = stateDirectory()
    await (await state.start()).remove('local')
    rmSync(state.accessKeyPath)
    const callers = await state.start()
    expect(callers.list()).toEqual([])
    expect(existsSync(state.accessKeyPath)).toBe(false)
  })
})

describe('a file that must not be used', () => {
  it.each([
    ['half a file', '{"callers":[{"name":"loc'],
    ['an empty file', ''],
    ['something else', '[]'],
    ['a caller without a digest', '{"callers":[{"name":"a","apps":["*"]}]}'],
  ])('is left as it is: %s', async (_what, content) => {
    using state = stateDirectory()
    await state.start()
    writeFileSync(state.path, content)
    await expect(state.start()).rejects.toMatchObject({
      code: 'failed',
      message: `The list of callers ${state.path} is damaged.`,
      hint: expect.stringContaining('move it away') as string,
    })
    expect(readFileSync(state.path, 'utf8')).toBe(content)
  })

  const local = {
    name: 'local',
    apps: ['*'],
    sha256: 'a'.repeat(64),
    created_at: '2026-01-01T00:00:00.000Z',
    last_used_at: null,
  }
  it.each([
    ['a digest of another kind', { callers: [{ ...local, sha256: 'sha512:abcd' }] }],
    ['a member in the place of one', { callers: [{ ...local, apps: undefined, grants: ['*'] }] }],
    ['another shape of the list', { callers: { local } }],
    ['another list', { callers_by_name: { local } }],
  ])('is told as what a newer version wrote, and left as it is: %s', async (_what, content) => {
    using state = stateDirectory()
    await state.start()
    const key = state.key()
    const text = JSON.stringify(content)
    writeFileSync(state.path, text)
    await expect(state.start()).rejects.toMatchObject({
      code: 'record_newer',
      exitCode: 5,
      message: `A newer evo-token wrote the list of callers ${state.path}.`,
      hint: expect.stringContaining('Install that version again') as string,
    })
    expect(readFileSync(state.path, 'utf8')).toBe(text)
    expect(state.key()).toBe(key)
  })

  it.each(['path', 'accessKeyPath'] as const)(
    'is refused when others can read it: %s',
    async (file) => {
      using state = stateDirectory()
      await state.start()
      chmodSync(state[file], 0o640)
      await expect(state.start()).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining(`${state[file]} is open to others`) as string,
        hint: expect.stringContaining(`chmod 600 ${state[file]}`) as string,
      })
    },
  )

  it('is refused as a symbolic link', async () => {
    using state = stateDirectory()
    await state.start()
    renameSync(state.path, `${state.path}.elsewhere`)
    symlinkSync(`${state.path}.elsewhere`, state.path)
    await expect(state.start()).rejects.toMatchObject({ code: 'failed' })
  })

  itNeeds(process.getuid?.() === 0 ? undefined : 'giving a file away takes root')(
    'is refused when it belongs to another user',
    async () => {
      using state = stateDirectory()
      await state.start()
      chownSync(state.path, 65534, 65534)
      await expect(state.start()).rejects.toMatchObject({
        message: expect.stringContaining('belongs to another user') as string,
      })
    },
  )
})

describe('what a newer version added', () => {
  const ofFile = { format: 7, limits: { per_hour: [1, null] } }
  const ofCaller = { per_hour: 100, tags: ['a', { b: 1 }] }
  const stored = (state: ReturnType<typeof stateIn>) =>
    JSON.parse(readFileSync(state.path, 'utf8')) as { callers: object[] }

  async function laterState(state: ReturnType<typeof stateIn>) {
    await (await state.start()).add('notebook', ['evo-me'])
    const { callers } = stored(state)
    const later = { ...ofFile, callers: callers.map((caller) => ({ ...ofCaller, ...caller })) }
    writeFileSync(state.path, JSON.stringify(later))
    return state.start()
  }

  it('stays through each change of the list, to the file and to the callers that stay', async () => {
    using state = stateDirectory()
    const callers = await laterState(state)
    await callers.add('script', ['*'])
    state.clock.now = later(10 * MINUTE)
    callers.noteUse('notebook')
    await callers.flush()
    await callers.remove('local')
    expect(stored(state)).toMatchObject({
      ...ofFile,
      callers: [{ name: 'notebook', ...ofCaller }, { name: 'script' }],
    })
    expect(stored(state).callers[1]).not.toHaveProperty('tags')
  })

  it('stays with the caller local when it gets a new key', async () => {
    using state = stateDirectory()
    await laterState(state)
    rmSync(state.accessKeyPath)
    await state.start()
    expect(stored(state)).toMatchObject({
      ...ofFile,
      callers: [{ name: 'local', sha256: sha256Hex(state.key()), ...ofCaller }, ofCaller],
    })
  })

  it('is shown to no caller', async () => {
    using state = stateDirectory()
    const callers = await laterState(state)
    expect(callers.list()).toEqual([
      { name: 'local', apps: ['*'], createdAt: NOW.wall, lastUsedAt: null },
      { name: 'notebook', apps: ['evo-me'], createdAt: NOW.wall, lastUsedAt: null },
    ])
    expect(callers.identify(digest(state.key()))).not.toHaveProperty('unknown')
  })
})

describe('add', () => {
  it('gives a key of 256 random bits, a new one each time', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const one = await callers.add('one', ['evo-me', 'evo-other'])
    const two = await callers.add('two', ['*'])
    expect(one.accessKey.expose()).toMatch(/^evtk_[\w-]{43}$/)
    expect(two.accessKey.expose()).not.toBe(one.accessKey.expose())
    expect(one.caller).toEqual({
      name: 'one',
      apps: ['evo-me', 'evo-other'],
      createdAt: NOW.wall,
      lastUsedAt: null,
    })
    expect(callers.list().map(({ name }) => name)).toEqual(['local', 'one', 'two'])
  })

  it('refuses a name that is taken and keeps the caller that has it', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    await expect(callers.add('local', ['evo-me'])).rejects.toMatchObject({
      code: 'invalid_request',
      hint: expect.stringContaining('evo-token caller remove local') as string,
    })
    expect(callers.identify(digest(state.key()))).toMatchObject({
      apps: ['*'],
    })
  })

  it('keeps all of many that are added at once, but one of a name', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const names = ['a', 'b', 'c', 'd', 'c']
    const results = await Promise.allSettled(names.map((name) => callers.add(name, ['*'])))
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
    ])
    expect(state.stored().map(({ name }) => name)).toEqual(['local', 'a', 'b', 'c', 'd'])
  })
})

describe('remove', () => {
  it('makes the key worthless at once and for good', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const { accessKey } = await callers.add('notebook', ['*'])
    await callers.remove('notebook')
    expect(callers.identify(digest(accessKey.expose()))).toBeUndefined()
    expect((await state.start()).identify(digest(accessKey.expose()))).toBeUndefined()
  })

  it('is not_found for a name that no caller has', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    await expect(callers.remove('nobody')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('when a caller was last seen', () => {
  it('is told at once, and stored by a flush only', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    state.clock.now = later(5 * MINUTE)
    callers.noteUse('local')
    expect(callers.list()[0]?.lastUsedAt).toBe(NOW.wall + 5 * MINUTE)
    expect(state.stored()[0]?.last_used_at).toBeNull()
    await callers.flush()
    expect(state.stored()[0]?.last_used_at).toBe('2026-01-01T00:05:00.000Z')
    expect((await state.start()).list()).toEqual(callers.list())
  })

  it('is not written again before a minute is over', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    callers.noteUse('local')
    await callers.flush()
    const written = statSync(state.path).ino
    state.clock.now = later(MINUTE - 1)
    callers.noteUse('local')
    await callers.flush()
    expect(statSync(state.path).ino).toBe(written)
    state.clock.now = later(MINUTE)
    callers.noteUse('local')
    await callers.flush()
    expect(state.stored()[0]?.last_used_at).toBe('2026-01-01T00:01:00.000Z')
  })

  it('is not written where no caller was used', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const written = statSync(state.path).ino
    await callers.flush()
    expect(statSync(state.path).ino).toBe(written)
  })
})

describe('the name of the owner', () => {
  it('is for no caller, or the counts of the two would be one', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    await expect(callers.add('owner', ['*'])).rejects.toMatchObject({ code: 'invalid_request' })
    expect(callers.list().map(({ name }) => name)).toEqual(['local'])
  })
})

describe('proof', () => {
  it('is what a program with the key computes', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const key = createHash('sha256').update(state.key()).digest()
    const nonce = 'nönce'
    expect(callers.proof('local', nonce)).toBe(
      createHmac('sha256', key).update(nonce, 'utf8').digest('hex'),
    )
  })

  it('of an unknown name looks the same, is the same when asked again or after a restart, and differs by name and nonce', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const proof = callers.proof('nobody', 'n')
    expect(proof).toMatch(/^[0-9a-f]{64}$/)
    expect(callers.proof('nobody', 'n')).toBe(proof)
    expect(callers.proof('nobody', 'm')).not.toBe(proof)
    expect(callers.proof('nobody2', 'n')).not.toBe(proof)
    expect((await state.start()).proof('nobody', 'n')).toBe(proof)
  })

  it('of an unknown name stays the same also where an earlier version wrote the file', async () => {
    using state = stateDirectory()
    await state.start()
    const { callers } = JSON.parse(readFileSync(state.path, 'utf8')) as { callers: object[] }
    writeFileSync(state.path, JSON.stringify({ callers }))
    const proof = (await state.start()).proof('nobody', 'n')
    expect((await state.start()).proof('nobody', 'n')).toBe(proof)
    expect(state.stored()).toEqual(callers)
  })

  it('of an unknown name differs from machine to machine', async () => {
    using one = stateDirectory()
    using other = stateDirectory()
    const proof = (await one.start()).proof('nobody', 'n')
    expect((await other.start()).proof('nobody', 'n')).not.toBe(proof)
  })
})

describe('a key that expires', () => {
  it('works until then, also after a restart, and is told apart from one that never was', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const until = NOW.wall + MINUTE
    const { accessKey } = await callers.add('notebook', ['evo-me'], until)
    const known = digest(accessKey.expose())
    for (const started of [callers, await state.start()]) {
      state.clock.now = NOW
      expect(started.identify(known)).toMatchObject({ name: 'notebook', expiresAt: until })
      expect(started.expired()).toEqual([])
      state.clock.now = later(MINUTE)
      expect(() => started.identify(known)).toThrow(
        'The access key of "notebook" expired at 2026-01-01T00:01:00Z.',
      )
      expect(started.expired()).toEqual(['notebook'])
    }
    // A new one as the hint has it is good for no more than the old one was.
    expect(() => callers.identify(known)).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('caller add notebook --app evo-me`') as string,
      }) as Error,
    )
    expect(callers.identify(digest('evtk_other'))).toBeUndefined()
  })
})

describe('hundreds of callers', () => {
  it('are added without doing again for all of them what was done for one', async () => {
    using state = stateDirectory()
    const callers = await state.start()
    const encode = vi.spyOn(JSON, 'stringify')
    try {
      const encodedFor = async (name: string) => {
        encode.mockClear()
        await callers.add(name, ['*'])
        return encode.mock.calls.length
      }
      await callers.add('first', ['*'])
      const ofOne = await encodedFor('second')
      expect(ofOne).toBeGreaterThan(0)
      for (let at = 0; at < 300; at++) await callers.add(`c${at}`, ['*'])
      expect(await encodedFor('last')).toBe(ofOne)
    } finally {
      encode.mockRestore()
    }
    expect((await state.start()).list()).toHaveLength(304)
  })
})
