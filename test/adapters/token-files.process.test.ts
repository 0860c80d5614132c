import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OwnPlaces } from '../../src/adapters/token-files/own-places.ts'
import { replaceTokenFile } from '../../src/adapters/token-files/replace-token-file.ts'
import { createTokenFiles } from '../../src/adapters/token-files/token-files.ts'
import { examineTokenFile } from '../../src/adapters/token-files/token-file.ts'
import type { TokenFile } from '../../src/config/config.ts'
import type { Log } from '../../src/core/ports.ts'
import { Secret } from '../../src/secret.ts'
import { NOBODY } from '../attacks/as-nobody.ts'
import { createRepository, gitMissing } from '../cli/repository.ts'
import { itNeeds } from '../support/needs.ts'

const first = new Secret('first.token_of-evo')
const second = new Secret('second.token_of-evo')

const needsRoot = itNeeds(
  process.getuid?.() === 0 ? gitMissing : 'only root can give files to another user',
)

interface Directory extends Disposable {
  readonly path: string
}

function createDirectory(): Directory {
  const path = mkdtempSync(join(tmpdir(), 'evo-files-'))
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function create(
  files: readonly TokenFile[],
  patienceMs?: number,
  ownPlaces: OwnPlaces = { stateDir: '/nowhere/state', config: undefined },
) {
  const errors: { err: Error; file: string }[] = []
  const log = {
    error: (fields: { err: Error; file: string }) => {
      errors.push(fields)
    },
  } as unknown as Log
  return {
    files: createTokenFiles(files, {
      log,
      ownPlaces,
      ...(patienceMs !== undefined && { patienceMs }),
    }),
    errors,
  }
}

const dotenv = (
  path: string,
  change: { readonly app?: string; readonly variable?: string } = {},
): TokenFile => ({
  app: 'evo-me',
  path,
  format: 'dotenv',
  variable: 'EVO_ACCESS_TOKEN',
  ...change,
})

describe('the token files of many apps', () => {
  it('looks at no file of another app when one is updated or asked about', async () => {
    using directory = createDirectory()
    let looks = 0
    const others = Array.from({ length: 100 }, (_, at): TokenFile => {
      const path = join(directory.path, `other-${at}`)
      return {
        get app() {
          looks += 1
          return `other-${at}`
        },
        path,
        format: 'raw',
      }
    })
    const own: TokenFile = { app: 'evo', path: join(directory.path, 'token'), format: 'raw' }
    const { files } = create([...others, own])
    const { files: configured } = create([])
    await configured.configure([...others, own])
    looks = 0

    for (const one of [files, configured]) {
      await one.update('evo', first)
      expect(one.problemOf('evo')).toBeUndefined()
    }

    expect(looks).toBe(0)
    expect(readFileSync(own.path, 'utf8')).toContain('first.token')
  })
})

describe('a token file', () => {
  it('is not written in UTF-16, where no program would find the token', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    for (const text of ['\ufeffA=1\r\n', 'A=1\n']) {
      const before = Buffer.from(text, 'utf16le')
      writeFileSync(path, before)
      const { files, errors } = create([dotenv(path)])
      await files.update('evo-me', first)
      expect(errors[0]?.err.message).toContain('is in UTF-16')
      expect(readFileSync(path)).toEqual(before)
    }
  })

  it.each([
    [{ format: 'raw' }, 'first.token_of-evo'],
    [{ format: 'json' }, '{"app":"evo-me","access_token":"first.token_of-evo"}\n'],
    [{ format: 'dotenv', variable: 'EVO_TOKEN' }, 'EVO_TOKEN=first.token_of-evo\n'],
  ] as const)('as %o holds the token, for us alone', async (format, content) => {
    using directory = createDirectory()
    const path = join(directory.path, 'token')
    const { files, errors } = create([{ app: 'evo-me', path, ...format }])
    await files.update('evo-me', first)
    expect(errors).toEqual([])
    expect(readFileSync(path, 'utf8')).toBe(content)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('holds each new token, whole, and nothing is left beside it', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    writeFileSync(path, 'A=1\n# mine\n')
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    const before = statSync(path).ino
    await files.update('evo-me', second)
    expect(readFileSync(path, 'utf8')).toBe('A=1\n# mine\nEVO_ACCESS_TOKEN=second.token_of-evo\n')
    expect(statSync(path).ino).not.toBe(before)
    expect(readdirSync(directory.path)).toEqual(['.env'])
  })

  it('keeps every byte of the lines that are not ours', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    const theirs = Buffer.from([
      ...Buffer.from('NAME=J'),
      0xfc,
      0xff,
      ...Buffer.from('rgen\r\nÄ=ö\n'),
    ])
    writeFileSync(path, theirs)
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    await files.update('evo-me', second)
    const ours = Buffer.from('EVO_ACCESS_TOKEN=second.token_of-evo\r\n')
    expect(readFileSync(path)).toEqual(Buffer.concat([theirs, ours]))
    await files.update('evo-me', undefined)
    expect(readFileSync(path)).toEqual(theirs)
  })

  it('is left alone while the token stays the same', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    const before = statSync(path).ino
    await files.update('evo-me', new Secret(first.expose()))
    expect(statSync(path).ino).toBe(before)
  })

  it.each(['raw', 'json'] as const)('as %s goes at logout', async (format) => {
    using directory = createDirectory()
    const path = join(directory.path, 'token')
    const { files, errors } = create([{ app: 'evo-me', path, format }])
    await files.update('evo-me', first)
    await files.update('evo-me', undefined)
    expect(readdirSync(directory.path)).toEqual([])
    expect(errors).toEqual([])
  })

  it('as dotenv loses its line at logout, and keeps the others', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    writeFileSync(path, 'A=1\nEVO_ACCESS_TOKEN=left-from-yesterday\nB=2\n')
    const { files } = create([dotenv(path)])
    await files.update('evo-me', undefined)
    expect(readFileSync(path, 'utf8')).toBe('A=1\nB=2\n')
  })

  it('is not made where there is no token', async () => {
    using directory = createDirectory()
    const { files, errors } = create([
      dotenv(join(directory.path, '.env')),
      { app: 'evo-me', path: join(directory.path, 'raw'), format: 'raw' },
    ])
    await files.update('evo-me', undefined)
    expect(readdirSync(directory.path)).toEqual([])
    expect(errors).toEqual([])
  })

  it('may hold the tokens of two apps, updated at once', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    const { files } = create([dotenv(path), dotenv(path, { app: 'evo-web', variable: 'WEB' })])
    await Promise.all([files.update('evo-me', first), files.update('evo-web', second)])
    expect(readFileSync(path, 'utf8').split('\n').sort()).toEqual([
      '',
      'EVO_ACCESS_TOKEN=first.token_of-evo',
      'WEB=second.token_of-evo',
    ])
  })

  it('may hold the tokens of two apps under two names, one of them a link', async () => {
    using directory = createDirectory()
    const [path, link] = [join(directory.path, '.env'), join(directory.path, 'link')]
    symlinkSync('.env', link)
    const { files } = create([dotenv(path), dotenv(link, { app: 'evo-web', variable: 'WEB' })])
    for (const token of [first, second]) {
      await Promise.all([files.update('evo-me', token), files.update('evo-web', token)])
      const both = `EVO_ACCESS_TOKEN=${token.expose()},WEB=${token.expose()}`
      expect(readFileSync(path, 'utf8').trim().split('\n').sort().join()).toBe(both)
    }
  })

  it('is followed through a link of ours', async () => {
    using directory = createDirectory()
    const [target, link] = [join(directory.path, 'target'), join(directory.path, '.env')]
    writeFileSync(target, 'A=1\n')
    symlinkSync('target', link)
    const { files } = create([dotenv(link)])
    await files.update('evo-me', first)
    expect(readFileSync(target, 'utf8')).toContain('first.token')
    expect(readFileSync(link, 'utf8')).toContain('A=1')
  })

  it('that cannot be written is told in the log, without the token, and tried again', async () => {
    using directory = createDirectory()
    const path = join(directory.path, 'later/.env')
    const { files, errors } = create([dotenv(path)])
    await files.update('evo-me', first)
    expect(errors).toMatchObject([{ app: 'evo-me', file: path, err: { code: 'ENOENT' } }])
    expect(String(errors[0]?.err.stack)).not.toContain('first.token')
    mkdirSync(join(directory.path, 'later'))
    await files.update('evo-me', first)
    expect(readFileSync(path, 'utf8')).toContain('first.token')
  })
})

describe('a token file that another config names', () => {
  it('gets the token that is there, and one that none names any more loses it', async () => {
    using directory = createDirectory()
    const [before, after] = [join(directory.path, '.env'), join(directory.path, 'token')]
    writeFileSync(before, 'A=1\n')
    const { files, errors } = create([dotenv(before)])
    await files.update('evo-me', first)
    await files.configure([{ app: 'evo-me', path: after, format: 'raw' }])
    await files.update('evo-me', first)
    expect(readFileSync(before, 'utf8')).toBe('A=1\n')
    expect(readFileSync(after, 'utf8')).toBe('first.token_of-evo')
    expect(errors).toEqual([])
  })

  it('is left alone where the config names it as before', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    const before = statSync(path).ino
    await files.configure([dotenv(path), dotenv(path, { app: 'evo-web', variable: 'WEB' })])
    await files.update('evo-me', first)
    expect(statSync(path).ino).toBe(before)
  })

  it('is not written again by what was asked for under the config of before', async () => {
    using directory = createDirectory()
    const path = join(directory.path, 'token')
    const { files } = create([{ app: 'evo-me', path, format: 'raw' }])
    await files.update('evo-me', first)
    await Promise.all([files.update('evo-me', second), files.configure([])])
    expect(readdirSync(directory.path)).toEqual([])
  })
})

describe('in the place of a token file', () => {
  /** A file that is in the way, and another one of the same app that is not. */
  async function meet(
    format: 'dotenv' | 'raw',
    plant: (path: string) => void,
    token: Secret | undefined = first,
  ) {
    const directory = createDirectory()
    const [path, other] = [join(directory.path, 'in-the-way'), join(directory.path, 'other')]
    plant(path)
    const file: TokenFile = format === 'raw' ? { app: 'evo-me', path, format } : dotenv(path)
    const { files, errors } = create([file, dotenv(other)])
    await files.update('evo-me', token)
    return {
      ...directory,
      path,
      errors,
      problem: files.problemOf('evo-me'),
      other: () => readFileSync(other, 'utf8'),
    }
  }

  const mkfifo = (path: string) => execFileSync('mkfifo', [path])

  for (const format of ['dotenv', 'raw'] as const) {
    it(`a named pipe is neither waited for nor replaced (${format})`, async () => {
      using at = await meet(format, mkfifo)
      expect(at.problem).toEqual({
        error: 'file_unwritable',
        message: `${at.path} is a named pipe, not a file.`,
        hint: 'Move it away, or name another path in "files" of the config.',
      })
      expect(at.errors).toHaveLength(1)
      expect(statSync(at.path).isFIFO()).toBe(true)
      expect(at.other()).toContain('first.token')
    })

    it(`a link to a named pipe is no better (${format})`, async () => {
      using at = await meet(format, (path) => {
        mkfifo(`${path}.pipe`)
        symlinkSync('in-the-way.pipe', path)
      })
      expect(at.problem?.message).toContain('in-the-way.pipe is a named pipe, not a file.')
      expect(at.other()).toContain('first.token')
    })

    it(`a directory stays, and is named (${format})`, async () => {
      using at = await meet(format, (path) => mkdirSync(join(path, 'deep'), { recursive: true }))
      expect(at.problem).toEqual({
        error: 'file_unwritable',
        message: `${at.path} is a directory, not a file.`,
        hint: 'Move it away, or name another path in "files" of the config.',
      })
      expect(readdirSync(at.path)).toEqual(['deep'])
      expect(at.other()).toContain('first.token')
    })

    it(`a link that leads to itself is named (${format})`, async () => {
      using at = await meet(format, (path) => {
        symlinkSync('in-the-way', path)
      })
      expect(at.problem?.message).toContain('leads through more than 8 links.')
    })

    it(`a link of ours may lead to where a file is to be made (${format})`, async () => {
      using at = await meet(format, (path) => {
        symlinkSync('target', path)
      })
      expect(at.problem).toBeUndefined()
      expect(readFileSync(join(at.path, '../target'), 'utf8')).toContain('first.token')
      expect(lstatSync(at.path).isSymbolicLink()).toBe(true)
    })

    needsRoot(`another user's file is not taken over (${format})`, async () => {
      const theirs = 'PATH=/theirs\nEVO_ACCESS_TOKEN=theirs\n'
      for (const token of [first, undefined]) {
        using at = await meet(
          format,
          (path) => {
            writeFileSync(path, theirs)
            chownSync(path, NOBODY, NOBODY)
          },
          token,
        )
        expect(at.problem?.message).toBe(`${at.path} belongs to another user.`)
        expect(readFileSync(at.path, 'utf8')).toBe(theirs)
        expect(statSync(at.path).uid).toBe(NOBODY)
      }
    })

    needsRoot(`a link of another user is not followed (${format})`, async () => {
      using at = await meet(format, (path) => {
        writeFileSync(`${path}.mine`, 'A=1\n')
        symlinkSync('in-the-way.mine', path)
        lchownSync(path, NOBODY, NOBODY)
      })
      expect(at.problem?.message).toBe(`${at.path} is a link that another user made.`)
      expect(readFileSync(`${at.path}.mine`, 'utf8')).toBe('A=1\n')
    })
  }

  it('a file of almost 2 GB is not read', async () => {
    using at = await meet('dotenv', (path) => {
      writeFileSync(path, 'A=1\n')
      truncateSync(path, 1_900_000_000)
    })
    expect(at.problem?.message).toBe(`${at.path} is larger than 1024 KiB.`)
    expect(statSync(at.path).size).toBe(1_900_000_000)
    expect(at.other()).toContain('first.token')
  })

  const MAX_BYTES = 1024 * 1024
  const LINE_BYTES = 'EVO_ACCESS_TOKEN=first\n'.length

  it('a .env that has room for the token below 1 MiB is one', async () => {
    using at = await meet('dotenv', (path) => {
      writeFileSync(path, `${'#'.repeat(MAX_BYTES - 2 * LINE_BYTES)}\n`)
    })
    expect(at.problem).toBeUndefined()
    expect(readFileSync(at.path, 'utf8')).toMatch(/#\nEVO_ACCESS_TOKEN=first/)
  })

  it('a .env that the token would take beyond 1 MiB is left as it is: it could not be read again', async () => {
    const text = `${'#'.repeat(MAX_BYTES - 1)}\n`
    using at = await meet('dotenv', (path) => {
      writeFileSync(path, text)
    })
    expect(at.problem).toMatchObject({ error: 'file_unwritable' })
    expect(readFileSync(at.path, 'utf8')).toBe(text)
  })

  it('what was wrong is forgotten once it is right, or not named any more', async () => {
    using directory = createDirectory()
    const path = join(directory.path, '.env')
    mkfifo(path)
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    expect(files.problemOf('evo-me')).toBeDefined()
    expect(files.problemOf('evo-web')).toBeUndefined()
    rmSync(path)
    await files.update('evo-me', first)
    expect(files.problemOf('evo-me')).toBeUndefined()
    rmSync(path)
    mkfifo(path)
    await files.update('evo-me', second)
    expect(files.problemOf('evo-me')).toBeDefined()
    await files.configure([])
    await files.configure([dotenv(path)])
    expect(files.problemOf('evo-me')).toBeUndefined()
  })
})

describe('a file that would be replaced as a whole', () => {
  for (const [what, content] of [
    ['settings', 'A=1\nB=2\n'],
    ['one setting', 'DATABASE_PASSWORD=not-a-token\n'],
    ['a key', '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n'],
    ['notes', 'The token goes here.\n'],
    ['JSON of another program', '{ "theme": "dark" }\n'],
    ['a list', '[1, 2]'],
    ['bytes', '\u0000\u0001'],
  ] as const) {
    it(`is left as it is where it holds ${what}, with a token and without`, async () => {
      using directory = createDirectory()
      const path = join(directory.path, 'file')
      for (const format of ['raw', 'json'] as const) {
        writeFileSync(path, content)
        const { files } = create([{ app: 'evo-me', path, format }])
        for (const token of [first, undefined]) {
          await files.update('evo-me', token)
          expect(files.problemOf('evo-me')).toEqual({
            error: 'file_unwritable',
            message: `${path} holds more than a token, and would be replaced as a whole.`,
            hint: 'Move it away, or name another path in "files" of the config.',
          })
        }
        expect(readFileSync(path, 'utf8')).toBe(content)
      }
    })
  }

  it.each(['', '\n', 'an-old.token~of/ours+==\n', '{}', '{"access_token":"old","more":1}\n'])(
    'is replaced where it holds %j',
    async (content) => {
      using directory = createDirectory()
      const path = join(directory.path, 'file')
      for (const format of ['raw', 'json'] as const) {
        writeFileSync(path, content)
        const { files } = create([{ app: 'evo-me', path, format }])
        await files.update('evo-me', first)
        expect(files.problemOf('evo-me')).toBeUndefined()
        expect(readFileSync(path, 'utf8')).toContain('first.token')
      }
    },
  )
})

describe('a path at which evo-token itself has a file', () => {
  for (const format of ['raw', 'dotenv', 'json'] as const) {
    it(`is no token file (${format})`, async () => {
      using directory = createDirectory()
      const at = (name: string) => join(directory.path, name)
      mkdirSync(at('state/vault'), { recursive: true })
      symlinkSync('state', at('link'))
      const ownPlaces = { stateDir: at('link'), config: at('config.json') }
      const own = ['state/vault-key', 'state/vault/evo-me.jwe', 'config.json']
      for (const name of own) writeFileSync(at(name), 'one-word')
      symlinkSync('state/vault-key', at('token'))
      for (const name of [...own, 'link/vault-key', 'token', 'state/new']) {
        const path = at(name)
        const file: TokenFile = format === 'dotenv' ? dotenv(path) : { app: 'evo-me', path, format }
        const { files } = create([file], undefined, ownPlaces)
        for (const token of [first, undefined]) await files.update('evo-me', token)
        await files.configure([])
        expect(await examineTokenFile(file, ownPlaces)).toMatchObject({
          message: expect.stringMatching(/ (state directory|config) of evo-token/) as string,
          hint: 'Name another path in "files" of the config.',
        })
      }
      for (const name of own) expect(readFileSync(at(name), 'utf8')).toBe('one-word')
      expect(existsSync(at('state/new'))).toBe(false)
    })
  }
})

describe('in a git repository, a token file', () => {
  const needsGit = itNeeds(gitMissing)

  needsGit('is refused where git does not ignore it', async () => {
    using repository = createRepository()
    const path = join(repository.directory, 'deep/.env')
    mkdirSync(join(repository.directory, 'deep'))
    const { files, errors } = create([dotenv(path)])
    await files.update('evo-me', first)
    expect(errors).toHaveLength(1)
    expect(errors[0]?.err.message).toContain('add it to .gitignore')
    expect(readdirSync(join(repository.directory, 'deep'))).toEqual([])
  })

  needsGit('is refused where a link leads into it', async () => {
    using repository = createRepository()
    using directory = createDirectory()
    mkdirSync(join(repository.directory, 'deep'))
    symlinkSync(join(repository.directory, 'deep'), join(directory.path, 'work'))
    const { files, errors } = create([dotenv(join(directory.path, 'work/.env'))])
    await files.update('evo-me', first)
    expect(errors[0]?.err.message).toContain('add it to .gitignore')
    repository.write('.gitignore', '.env\n')
    await files.update('evo-me', first)
    expect(errors).toHaveLength(1)
    expect(readFileSync(join(repository.directory, 'deep/.env'), 'utf8')).toContain('first.token')
  })

  needsGit('is written where git ignores it, and no other name is ever used for it', async () => {
    using repository = createRepository()
    repository.write('.gitignore', '.env\n')
    const { files, errors } = create([dotenv(join(repository.directory, '.env'))])
    await files.update('evo-me', first)
    expect(errors).toEqual([])
    expect(readFileSync(join(repository.directory, '.env'), 'utf8')).toContain('first.token')
    expect(readdirSync(repository.directory).sort()).toEqual(['.env', '.git', '.gitignore'])
    expect(readdirSync(join(repository.directory, '.git')).join()).not.toContain('evo-token')
    expect(repository.git('status', '--porcelain')).toBe('?? .gitignore\n')
  })

  needsGit('begins its life where git does not look', async () => {
    using repository = createRepository()
    repository.write('.gitignore', '.env\n')
    const path = join(repository.directory, '.env')
    // The rename fails, and its error names where the file was made.
    mkdirSync(join(path, 'in-the-way'), { recursive: true })
    const gitDirectory = join(repository.directory, '.git')
    const replaced = replaceTokenFile(
      path,
      Buffer.from('x'),
      new AbortController().signal,
      gitDirectory,
    )
    await expect(replaced).rejects.toMatchObject({
      syscall: 'rename',
      path: expect.stringContaining('/.git/evo-token-') as string,
    })
    expect(readdirSync(repository.directory).sort()).toEqual(['.env', '.git', '.gitignore'])
  })

  needsGit('is refused where it was committed once, whatever is ignored since', async () => {
    using repository = createRepository()
    repository.stage('.env', 'A=1\n')
    repository.git('commit', '--quiet', '--message', 'x')
    repository.write('.gitignore', '.env\n')
    const { files, errors } = create([dotenv(join(repository.directory, '.env'))])
    await files.update('evo-me', first)
    expect(errors).toHaveLength(1)
    expect(readFileSync(join(repository.directory, '.env'), 'utf8')).toBe('A=1\n')
  })

  needsGit('waits for no git that hangs, and neither does another file', async () => {
    using repository = createRepository()
    using directory = createDirectory()
    // git waits until something is written into it.
    execFileSync('mkfifo', [join(repository.directory, '.gitignore')])
    const [slow, quick] = [join(repository.directory, '.env'), join(directory.path, '.env')]
    const { files } = create([dotenv(slow), dotenv(quick)], 300)
    await files.update('evo-me', first)
    expect(files.problemOf('evo-me')).toEqual({
      error: 'file_unwritable',
      message: `${slow} did not answer within 0.3 seconds.`,
      hint: 'Check the disk or mount that it is on.',
    })
    expect(readFileSync(quick, 'utf8')).toContain('first.token')
    expect(readdirSync(repository.directory).sort()).toEqual(['.git', '.gitignore'])
  })

  needsRoot('is not what a .git makes it that another user planted above', async () => {
    for (const plant of ['empty', 'repository', 'pipe'] as const) {
      using directory = createDirectory()
      chmodSync(directory.path, 0o1777)
      const git = join(directory.path, '.git')
      if (plant === 'repository') execFileSync('git', ['init', '--quiet', directory.path])
      else if (plant === 'empty') mkdirSync(git)
      else execFileSync('mkfifo', [git])
      execFileSync('chown', ['-R', String(NOBODY), git])
      mkdirSync(join(directory.path, 'mine'))
      const path = join(directory.path, 'mine/.env')
      const { files, errors } = create([dotenv(path)])
      await files.update('evo-me', first)
      expect({ plant, errors }).toEqual({ plant, errors: [] })
      expect(readFileSync(path, 'utf8')).toContain('first.token')
    }
  })

  needsRoot('is refused where git does not trust the repository of another user', async () => {
    using repository = createRepository()
    repository.write('.gitignore', '.env\n')
    const path = join(repository.directory, '.env')
    execFileSync('chown', ['-R', String(NOBODY), repository.directory])
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    expect(files.problemOf('evo-me')?.message).toBe(
      `git cannot say whether ${path} could be committed.`,
    )
    expect(files.problemOf('evo-me')?.hint).toContain(`git -C ${repository.directory} status`)
    expect(existsSync(path)).toBe(false)
  })

  needsGit('is not what a directory makes it that is named .git and is no repository', async () => {
    using directory = createDirectory()
    mkdirSync(join(directory.path, '.git'))
    const path = join(directory.path, '.env')
    const { files, errors } = create([dotenv(path)])
    await files.update('evo-me', first)
    expect(errors).toEqual([])
    expect(readFileSync(path, 'utf8')).toContain('first.token')
  })

  needsGit('in a linked work tree is refused as in any other', async () => {
    using repository = createRepository()
    using directory = createDirectory()
    repository.stage('a.txt', 'a')
    repository.git('commit', '--quiet', '--message', 'x')
    repository.git('worktree', 'add', '--quiet', join(directory.path, 'tree'))
    const { files } = create([dotenv(join(directory.path, 'tree/.env'))])
    await files.update('evo-me', first)
    expect(files.problemOf('evo-me')?.message).toContain('could be committed')
  })

  needsGit('loses its token at logout even where git does not ignore it any more', async () => {
    using repository = createRepository()
    repository.write('.gitignore', '.env\n')
    const path = join(repository.directory, '.env')
    const { files } = create([dotenv(path)])
    await files.update('evo-me', first)
    rmSync(join(repository.directory, '.gitignore'))
    await files.update('evo-me', undefined)
    expect(readFileSync(path, 'utf8')).toBe('')
  })
})
