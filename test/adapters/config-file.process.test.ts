import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, readConfig } from '../../src/adapters/config/config-file.ts'
import { writeConfig } from '../../src/adapters/config/config-writer.ts'
import { configPath } from '../../src/platform/posix/locations.ts'
import { quoted } from '../../src/platform/posix/shell-quoted.ts'
import type { SidecarError } from '../../src/errors.ts'

const APPS = '{"apps":{"evo-me":{"type":"native","clientId":"native-1","scopes":[]}}}'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-config-'))
  path = join(directory, 'config.json')
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function put(text: string | Uint8Array, mode = 0o600): void {
  writeFileSync(path, text)
  chmodSync(path, mode)
}

describe('configPath', () => {
  const env = { EVO_TOKEN_CONFIG: '/env/config.json', XDG_CONFIG_HOME: '/xdg' }

  it('is what the option says, before anything else', () => {
    expect(configPath('/option.json', env, '/home/me')).toBe('/option.json')
    expect(configPath('option.json', env, '/home/me')).toBe(join(process.cwd(), 'option.json'))
  })

  it('is what EVO_TOKEN_CONFIG says, without an option', () => {
    expect(configPath(undefined, env, '/home/me')).toBe('/env/config.json')
  })

  it('is below XDG_CONFIG_HOME, where that is an absolute path', () => {
    const unnamed = { ...env, EVO_TOKEN_CONFIG: '' }
    expect(configPath(undefined, unnamed, '/home/me')).toBe('/xdg/evo-token/config.json')
  })

  it.each([{}, { XDG_CONFIG_HOME: '' }, { XDG_CONFIG_HOME: 'relative' }])(
    'is below the home directory with %o',
    (bare) => {
      expect(configPath(undefined, bare, '/home/me')).toBe('/home/me/.config/evo-token/config.json')
    },
  )
})

describe('loadConfig', () => {
  it('reads a config that every user may read, with its warnings', async () => {
    put(APPS, 0o644)
    const { config, warnings } = await loadConfig(path)
    expect(config.apps.map(({ name }) => name)).toEqual(['evo-me'])
    expect(warnings).toHaveLength(3)
  })

  it('leads ~/ to the home that it is given', async () => {
    put('{"ca":"~/ca.pem"}')
    expect((await loadConfig(path, { home: '/home/me' })).config.ca).toBe('/home/me/ca.pem')
    expect((await loadConfig(path)).config.ca).toBe(join(homedir(), 'ca.pem'))
  })

  it('says how to begin where there is no config', async () => {
    const missing = { code: 'config', message: `There is no config at ${path}.` }
    await expect(loadConfig(path)).rejects.toMatchObject({
      ...missing,
      hint: 'Write one with `evo-token init`.',
      exitCode: 2,
    })
    put('{}')
    await expect(loadConfig(join(path, 'config.json'))).rejects.toMatchObject({ code: 'config' })
  })

  it('tells every fault in a line of its own, with the file and the place', async () => {
    put('{"listen":{"host":"0.0.0.0"},"lisen":1}')
    await expect(loadConfig(path)).rejects.toMatchObject({
      code: 'config',
      message:
        `${path}: listen.host: must be a loopback address: 127.0.0.0/8, ::1 or localhost, not this string\n` +
        `${path}: lisen: unknown setting: did you mean "listen"?`,
    })
    put('[]')
    await expect(loadConfig(path)).rejects.toMatchObject({
      message: `${path}: must be an object, not a list`,
    })
  })

  it.each([0o620, 0o602, 0o666])('refuses a config of mode %o', async (mode) => {
    put(APPS, mode)
    const refusal = expect(loadConfig(path)).rejects
    await refusal.toMatchObject({
      code: 'config',
      message: `Other users may write to ${path}.`,
      hint: `Read it, then close it: chmod go-w ${path}`,
    })
  })

  it('reads it again after the chmod that it names', async () => {
    put(APPS, 0o666)
    const refusal = await loadConfig(path).catch((error: unknown) => error)
    const { hint } = refusal as SidecarError
    execFileSync('sh', ['-c', hint.replace(/^.*: /, '')])
    await expect(loadConfig(path)).resolves.toBeDefined()
  })

  it('refuses a config of another user, and names the chown', async () => {
    put(APPS)
    const other = 4242
    // Root can give a file away; another user reads their own as if they were a third one.
    const isRoot = process.geteuid?.() === 0
    if (isRoot) chownSync(path, other, other)
    const uid = isRoot ? 0 : other
    await expect(loadConfig(path, { uid })).rejects.toMatchObject({
      code: 'config',
      message: `${path} belongs to another user (uid ${statSync(path).uid}).`,
      hint: `Read it, then make it yours: sudo chown "$(id -un)" ${path}`,
    })
    await expect(loadConfig(path, { uid: statSync(path).uid })).resolves.toBeDefined()
  })

  it("reads root's config as any user", async () => {
    // A file of root that every machine has.
    await expect(readConfig('/etc/passwd', { uid: 4242 })).resolves.toContain('root')
  })

  it('judges the file that a symbolic link leads to', async () => {
    put(APPS, 0o666)
    const link = join(directory, 'link.json')
    symlinkSync(path, link)
    await expect(loadConfig(link)).rejects.toMatchObject({ code: 'config' })
  })

  it('refuses what is no file, without waiting for it', async () => {
    execFileSync('sh', ['-c', `mkfifo ${quoted(path)}`])
    await expect(loadConfig(path)).rejects.toMatchObject({
      message: `${path} is not a regular file.`,
    })
    await expect(loadConfig(directory)).rejects.toMatchObject({
      message: `${directory} is not a regular file.`,
    })
  })

  it('refuses what is no text, and what is too long to be a config', async () => {
    put(new Uint8Array([0x7b, 0xff, 0x7d]))
    await expect(loadConfig(path)).rejects.toMatchObject({ message: `${path} is not UTF-8 text.` })
    put(' '.repeat(4 * 1024 * 1024 + 1))
    await expect(loadConfig(path)).rejects.toMatchObject({
      message: `${path} is larger than 4 MiB: it cannot be a config.`,
    })
  })
})

describe('writeConfig', () => {
  it('makes the directory and the file for their owner alone', async () => {
    const fresh = join(directory, 'a/b/config.json')
    await writeConfig(fresh, APPS, undefined)
    expect(readFileSync(fresh, 'utf8')).toBe(APPS)
    expect(statSync(fresh).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'a/b')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(directory, 'a/b'))).toEqual(['config.json'])
  })

  it('keeps the mode and the owner of a config, and the link to it', async () => {
    put('{}', 0o640)
    const owner = process.geteuid?.() === 0 ? 4242 : statSync(path).uid
    if (owner === 4242) chownSync(path, 0, owner)
    const { uid, gid } = statSync(path)
    const link = join(directory, 'link.json')
    symlinkSync(path, link)
    await writeConfig(link, APPS, '{}')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe(APPS)
    const { mode, ...stats } = statSync(path)
    expect(stats).toMatchObject({ uid, gid })
    expect(mode & 0o777).toBe(0o640)
  })

  it('writes nothing over what another program wrote meanwhile', async () => {
    put(APPS)
    await expect(writeConfig(path, '{}', '{"ca":"/x"}')).rejects.toMatchObject({ code: 'config' })
    await expect(writeConfig(path, '{}', undefined)).rejects.toMatchObject({ code: 'config' })
    expect(readFileSync(path, 'utf8')).toBe(APPS)
    expect(readdirSync(directory)).toEqual(['config.json'])
  })

  it('says why it cannot write', async () => {
    put('{}')
    const inside = join(path, 'config.json')
    await expect(writeConfig(inside, APPS, undefined)).rejects.toMatchObject({
      code: 'failed',
      message: `${inside} cannot be written: something else is there (EEXIST).`,
      hint: 'Move it away, or correct the path.',
    })
    const link = join(directory, 'link')
    symlinkSync(join(directory, 'nowhere'), link)
    const nowhere = join(link, 'config.json')
    await expect(writeConfig(nowhere, APPS, undefined)).rejects.toMatchObject({
      code: 'failed',
      message: `${nowhere} cannot be written: it is not there (ENOENT).`,
      hint: 'Make the directory, or correct the path.',
    })
  })

  it('says that the config was removed meanwhile', async () => {
    await expect(writeConfig(join(directory, 'gone.json'), APPS, '{}')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('was changed in the meantime') as string,
    })
  })

  it('says why it cannot read', async () => {
    const loop = join(directory, 'loop.json')
    symlinkSync(loop, loop)
    await expect(loadConfig(loop)).rejects.toMatchObject({
      code: 'config',
      message: `${loop} cannot be read: it is a symbolic link (ELOOP).`,
      hint: 'Correct the path.',
    })
  })
})
