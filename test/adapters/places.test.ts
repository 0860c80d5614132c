import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeTemporaries, writeFileAtomically } from '../../src/adapters/files/atomic-file.ts'
import {
  preparePlaces,
  removeEndpoint,
  writeEndpoint,
} from '../../src/adapters/process/daemon-directories.ts'
import { readEndpoint } from '../../src/client/daemon-address.ts'
import { findPlaces, homeOf } from '../../src/platform/posix/locations.ts'
import { SidecarError } from '../../src/errors.ts'
import { itNeeds } from '../support/needs.ts'

const uid = process.getuid?.() ?? 0
const onlyRoot = uid === 0 ? undefined : 'needs root'

let base: string
const at = (...parts: string[]) => join(base, ...parts)

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'evo-token-p-')))
})

afterEach(() => {
  rmSync(base, { recursive: true })
})

function options(env: Record<string, string> = {}, stateDir?: string) {
  return { env, home: at('home'), uid, flags: { stateDir } }
}

function refusalOf(work: () => unknown): SidecarError {
  try {
    work()
  } catch (error) {
    if (error instanceof SidecarError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('findPlaces', () => {
  const all = {
    EVO_TOKEN_STATE_DIR: '/e/state',
    STATE_DIRECTORY: '/var/lib/evo-token:/var/lib/other',
    XDG_STATE_HOME: '/x/state',
  }

  it.each([
    { first: '--state-dir', env: all, flag: '/f/state', stateDir: '/f/state' },
    { first: '$EVO_TOKEN_STATE_DIR', env: all, stateDir: '/e/state' },
    {
      first: 'the first of $STATE_DIRECTORY',
      env: { ...all, EVO_TOKEN_STATE_DIR: '' },
      stateDir: '/var/lib/evo-token',
    },
    {
      first: '$XDG_STATE_HOME',
      env: { XDG_STATE_HOME: '/x/state' },
      stateDir: '/x/state/evo-token',
    },
    {
      first: 'the home, where the variable holds a relative path',
      env: { XDG_STATE_HOME: 'x/state' },
      stateDir: '/h/.local/state/evo-token',
    },
    { first: 'the home', env: {}, stateDir: '/h/.local/state/evo-token' },
  ])('takes the state directory from $first', ({ env, flag, stateDir }) => {
    const places = findPlaces({ env, home: '/h', flags: { stateDir: flag } })
    expect(places).toMatchObject({
      stateDir,
      endpoint: `${stateDir}/endpoint.json`,
      accessKey: `${stateDir}/access-key`,
      vault: `${stateDir}/vault`,
      vaultKey: `${stateDir}/vault-key`,
    })
  })

  const runtime = {
    EVO_TOKEN_RUNTIME_DIR: '/e/run',
    RUNTIME_DIRECTORY: '/run/evo-token:/run/other',
    XDG_RUNTIME_DIR: '/run/user/7',
  }

  it.each([
    { first: '$EVO_TOKEN_RUNTIME_DIR', env: runtime, runtimeDir: '/e/run' },
    {
      first: 'the first of $RUNTIME_DIRECTORY',
      env: { ...runtime, EVO_TOKEN_RUNTIME_DIR: '' },
      runtimeDir: '/run/evo-token',
    },
    {
      first: '$XDG_RUNTIME_DIR',
      env: { XDG_RUNTIME_DIR: '/run/user/7' },
      runtimeDir: '/run/user/7/evo-token',
    },
    { first: 'the state directory', env: {}, runtimeDir: '/s/run' },
  ])('takes the runtime directory from $first', ({ env, runtimeDir }) => {
    const places = findPlaces({ env, home: '/h', flags: { stateDir: '/s' } })
    expect(places).toMatchObject({ runtimeDir, socket: `${runtimeDir}/owner.sock` })
  })

  it('makes a relative --state-dir absolute', () => {
    const { stateDir } = findPlaces({ env: {}, home: '/h', flags: { stateDir: 'here' } })
    expect(stateDir).toBe(join(process.cwd(), 'here'))
  })
})

describe('preparePlaces', () => {
  it('makes directories that only their owner can enter', () => {
    const places = preparePlaces(options())
    expect(places.stateDir).toBe(at('home/.local/state/evo-token'))
    for (const path of [places.stateDir, places.runtimeDir]) {
      expect(statSync(path).mode & 0o777).toBe(0o700)
    }
  })

  it('takes directories that are there and in order', () => {
    preparePlaces(options())
    expect(preparePlaces(options()).socket).toBe(at('home/.local/state/evo-token/run/owner.sock'))
  })

  it.each([
    { kind: 'state', env: { EVO_TOKEN_STATE_DIR: 'dir' } },
    { kind: 'runtime', env: { EVO_TOKEN_STATE_DIR: 'state', EVO_TOKEN_RUNTIME_DIR: 'dir' } },
  ])('refuses a $kind directory that is open to others, with what mends it', ({ kind, env }) => {
    mkdirSync(at('dir'))
    chmodSync(at('dir'), 0o710)
    const refusal = refusalOf(() =>
      preparePlaces(
        options(Object.fromEntries(Object.entries(env).map(([name, dir]) => [name, at(dir)]))),
      ),
    )
    expect(refusal.message).toBe(
      `The ${kind} directory ${at('dir')} is open to others (mode 710): chmod 700 ${at('dir')}`,
    )
    expect(refusal.exitCode).toBe(2)
  })

  it('quotes the path in the command that it names', () => {
    mkdirSync(at("it's"), { mode: 0o755 })
    chmodSync(at("it's"), 0o755)
    const refusal = refusalOf(() => preparePlaces(options({}, at("it's"))))
    expect(refusal.message).toContain(`chmod 700 '${base}/it'\\''s'`)
  })

  itNeeds(onlyRoot)('refuses a directory of another user, with what mends it', () => {
    mkdirSync(at('state'), { mode: 0o700 })
    chownSync(at('state'), 4711, 4711)
    const refusal = refusalOf(() => preparePlaces(options({}, at('state'))))
    expect(refusal.message).toBe(
      `The state directory ${at('state')} belongs to uid 4711, and evo-token runs as uid 0: chown 0 ${at('state')}`,
    )
    expect(refusal.exitCode).toBe(2)
  })

  it('refuses a symbolic link', () => {
    mkdirSync(at('elsewhere'), { mode: 0o700 })
    symlinkSync(at('elsewhere'), at('state'))
    const refusal = refusalOf(() => preparePlaces(options({}, at('state'))))
    expect(refusal.message).toContain(`${at('state')} is a symbolic link`)
    expect(refusal.exitCode).toBe(2)
  })

  it('follows the link that systemd makes for a dynamic user, and checks what it leads to', () => {
    mkdirSync(at('private'), { mode: 0o700 })
    symlinkSync(at('private'), at('evo-token'))
    const env = { STATE_DIRECTORY: at('evo-token'), RUNTIME_DIRECTORY: at('run') }
    expect(preparePlaces(options(env))).toMatchObject({
      stateDir: at('private'),
      endpoint: at('private/endpoint.json'),
      socket: at('run/owner.sock'),
    })

    chmodSync(at('private'), 0o755)
    expect(refusalOf(() => preparePlaces(options(env))).message).toContain(
      `chmod 700 ${at('private')}`,
    )
  })

  it('leaves the runtime directory alone where systemd hands the sockets over', () => {
    const env = { RUNTIME_DIRECTORY: at('run') }
    preparePlaces({ ...options(env), socketsInherited: true })
    expect(existsSync(at('run'))).toBe(false)
  })

  it('says what is in the way', () => {
    writeFileSync(at('file'), '')
    const refusal = refusalOf(() => preparePlaces(options({}, at('file'))))
    expect(refusal.message).toBe(
      `The state directory ${at('file')} cannot be used: it is not a directory.`,
    )
    expect(refusal.hint).toContain('--state-dir')
  })

  it('measures the path of the socket in bytes', () => {
    const room = 100 - Buffer.byteLength(at('', 'owner.sock')) - 1
    const fits = at('ü'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2))
    const { socket } = preparePlaces(options({ EVO_TOKEN_RUNTIME_DIR: fits }))
    expect(Buffer.byteLength(socket)).toBe(100)
    const refusal = refusalOf(() => preparePlaces(options({ EVO_TOKEN_RUNTIME_DIR: `${fits}x` })))
    expect(refusal.message).toMatch(/^The path of the owner socket is 101 bytes long/)
    expect(refusal.hint).toContain('$EVO_TOKEN_RUNTIME_DIR')
    expect(refusal.exitCode).toBe(2)
  })
})

describe('endpoint.json', () => {
  const endpoint = { socket: '/run/owner.sock', url: 'http://127.0.0.1:13860', pid: 7 }
  const path = () => at('endpoint.json')

  it('is read as it was written, and only by its owner', async () => {
    await writeEndpoint(path(), endpoint)
    expect(readEndpoint(path(), uid)).toEqual(endpoint)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('has no socket where systemd handed it over', async () => {
    await writeEndpoint(path(), { url: endpoint.url, pid: 7 })
    expect(readEndpoint(path(), uid)).toEqual({ url: endpoint.url, pid: 7 })
  })

  it.each([
    { what: 'cut short', content: '{"socket":"/run' },
    { what: 'of another shape', content: '["/run/owner.sock"]' },
    { what: 'null', content: 'null' },
  ])('counts as absent when it is $what', ({ content }) => {
    writeFileSync(path(), content, { mode: 0o600 })
    expect(readEndpoint(path(), uid)).toBeUndefined()
  })

  it('counts as absent when others may write it', async () => {
    await writeEndpoint(path(), endpoint)
    chmodSync(path(), 0o620)
    expect(readEndpoint(path(), uid)).toBeUndefined()
  })

  itNeeds(onlyRoot)('counts as absent when it is of another user', async () => {
    await writeEndpoint(path(), endpoint)
    chownSync(path(), 4711, 4711)
    expect(readEndpoint(path(), uid)).toBeUndefined()
  })

  it('goes when the daemon stops, and may be gone already', async () => {
    await writeEndpoint(path(), endpoint)
    await removeEndpoint(path())
    await removeEndpoint(path())
    expect(readEndpoint(path(), uid)).toBeUndefined()
  })
})

describe('writeFileAtomically', () => {
  it('replaces a file by a new one with the mode that is asked for', async () => {
    writeFileSync(at('file'), 'old', { mode: 0o644 })
    const before = lstatSync(at('file')).ino
    await writeFileAtomically(at('file'), 'new', 0o600)
    expect(readFileSync(at('file'), 'utf8')).toBe('new')
    expect(lstatSync(at('file'))).toMatchObject({ mode: 0o100600 })
    expect(lstatSync(at('file')).ino).not.toBe(before)
    expect(readdirSync(base)).toEqual(['file'])
  })

  it('leaves what was there, and nothing else, where it fails', async () => {
    mkdirSync(at('file/inside'), { recursive: true })
    await expect(writeFileAtomically(at('file'), 'new', 0o600)).rejects.toMatchObject({
      code: 'EISDIR',
    })
    expect(readdirSync(base)).toEqual(['file'])
    expect(readdirSync(at('file'))).toEqual(['inside'])
  })

  it('has what a kill left removed, and nothing else', async () => {
    const names = ['.file.0123456789ab.tmp', '.file.tmp', 'file.0123456789ab.tmp']
    for (const name of names) writeFileSync(at(name), '')
    await removeTemporaries(base)
    expect(readdirSync(base)).toEqual(names.slice(1))
  })
})

describe('the home', () => {
  it.each([undefined, '', 'relative', './here'])(
    'is that of the user database where HOME is %j: no path depends on the current directory',
    (HOME) => {
      expect(homeOf({ HOME })).toBe(userInfo().homedir)
    },
  )
})
