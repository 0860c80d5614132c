import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createTokenFiles } from '../../src/adapters/token-files.ts'
import type { TokenFile } from '../../src/config.ts'
import type { Log } from '../../src/core/ports.ts'
import { Secret } from '../../src/secret.ts'
import { createRepository, gitMissing } from '../cli/repository.ts'
import { itNeeds } from '../support/needs.ts'

const first = new Secret('first.token_of-evo')
const second = new Secret('second.token_of-evo')

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

function create(files: readonly TokenFile[]) {
  const errors: { err: Error; file: string }[] = []
  const log = {
    error: (fields: { err: Error; file: string }) => {
      errors.push(fields)
    },
  } as unknown as Log
  return { files: createTokenFiles(files, log), errors }
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

describe('a token file', () => {
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
    // What stands in the way of the rename leaves the beginning of the file where it was made.
    mkdirSync(join(repository.directory, '.env/in-the-way'), { recursive: true })
    chmodSync(join(repository.directory, '.git'), 0o700)
    const seen: string[] = []
    const { files, errors } = create([
      { app: 'evo-me', path: join(repository.directory, '.env'), format: 'raw' },
    ])
    await files.update('evo-me', first)
    seen.push(...readdirSync(repository.directory))
    expect(errors).toMatchObject([{ err: { syscall: 'rename' } }])
    expect(String((errors[0]?.err as Error & { path?: string }).path)).toContain('/.git/evo-token-')
    expect(seen.sort()).toEqual(['.env', '.git', '.gitignore'])
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
