import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from '../../support/needs.ts'
import { createRepository, gitMissing, type Repository } from '../repository.ts'
import { startStandIn } from '../stand-in.ts'
import { guard, JWT, SECRET, startHolder, withProgram } from './guarded.ts'

const it = itNeeds(gitMissing)

describe('guard install', () => {
  const commit = ['commit', '--quiet', '--message', 'x']

  it('makes every commit pass through the guard, which can be switched off once', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    const installed = await guard(daemon, repository, 'install', env)
    expect(installed).toMatchObject({ code: 0, stdout: '' })
    expect(installed.stderr).toContain('.git/hooks/pre-commit checks every commit')
    repository.stage('a.txt', `${JWT}\n`)
    const refused = await repository.tryGit(commit)
    expect(refused.code).toBe(1)
    expect(refused.said).toContain('a.txt:1: a JWT')
    expect(await repository.tryGit(commit, { EVO_TOKEN_GUARD: 'off' })).toMatchObject({ code: 0 })
  })

  it('looks at the lines that `git commit --all` stages by itself', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    repository.stage('a.txt', 'fine\n')
    repository.git(...commit)
    await guard(daemon, repository, 'install', env)
    repository.write('a.txt', `${JWT}\n`)
    expect(await repository.tryGit([...commit, '--all'])).toMatchObject({ code: 1 })
  })

  it('lets commits pass, and says so, where there is no evo-token', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    await guard(daemon, repository, 'install')
    repository.stage('a.txt', `${JWT}\n`)
    const { code, said } = await repository.tryGit(commit)
    expect(code).toBe(0)
    expect(said).toContain('evo-token is not on the PATH')
  })

  it('puts the guard in place of that of an earlier version, and into the hooks that it knew nothing of', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    const hooks = join(repository.directory, '.git/hooks')
    const earlier = `# evo-token guard: keeps tokens and secrets out of commits
if command -v evo-token >/dev/null 2>&1; then
  evo-token guard check --of-an-earlier-version || exit 1
fi
# evo-token guard: end
`
    const mine = '#!/bin/sh\necho first\n'
    writeFileSync(join(hooks, 'pre-commit'), `${mine}${earlier}echo last\n`, { mode: 0o755 })
    await guard(daemon, repository, 'install', env)
    const now = readFileSync(join(hooks, 'pre-commit'), 'utf8')
    expect(now).not.toContain('earlier')
    expect(now).toMatch(/^#!\/bin\/sh\necho first\n# evo-token guard[^]*guard: end\necho last\n$/)
    expect(now.match(/guard check/g)).toHaveLength(1)
    expect(readFileSync(join(hooks, 'commit-msg'), 'utf8')).toContain('guard check --message')
    repository.stage('a.txt', 'fine\n')
    expect(await repository.tryGit(commit)).toEqual({ code: 0, said: 'first\nlast\n' })
  })

  it('is done once', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const hook = join(repository.directory, '.git/hooks/pre-commit')
    await guard(daemon, repository, 'install')
    const before = readFileSync(hook, 'utf8')
    const again = await guard(daemon, repository, 'install')
    expect(again).toMatchObject({ code: 0 })
    expect(again.stderr).toContain('has the guard already')
    expect(readFileSync(hook, 'utf8')).toBe(before)
  })

  it('keeps a hook that is there, and comes before whatever ends it', async () => {
    await using daemon = await startStandIn({})
    const env = withProgram(daemon)
    using repository = createRepository(env)
    const hook = join(repository.directory, '.git/hooks/pre-commit')
    writeFileSync(hook, '#!/usr/bin/env bash\necho mine\nexec true\n', { mode: 0o700 })
    await guard(daemon, repository, 'install', env)
    expect(readFileSync(hook, 'utf8')).toMatch(
      /^#!\/usr\/bin\/env bash\n# evo-token[^]*\necho mine\n/,
    )
    expect(statSync(hook).mode & 0o777).toBe(0o700)
    repository.stage('a.txt', 'fine\n')
    expect(await repository.tryGit(commit)).toEqual({ code: 0, said: 'mine\n' })
    repository.stage('a.txt', JWT)
    expect(await repository.tryGit(commit)).toMatchObject({ code: 1 })
  })

  for (const [name, content, mode, said] of [
    ['in another language', '#!/usr/bin/env python3\nprint(1)\n', 0o755, 'is no shell script'],
    ['that git does not run', '#!/bin/sh\nexit 0\n', 0o644, 'cannot be executed'],
  ] as const) {
    it(`leaves a hook ${name} as it is`, async () => {
      await using daemon = await startStandIn({})
      using repository = createRepository()
      const hook = join(repository.directory, '.git/hooks/pre-commit')
      writeFileSync(hook, content)
      chmodSync(hook, mode)
      const { code, stderr } = await guard(daemon, repository, 'install')
      expect(code).toBe(1)
      expect(stderr).toContain(said)
      expect(readFileSync(hook, 'utf8')).toBe(content)
      // The other hooks have the guard all the same.
      expect(readFileSync(join(hook, '../commit-msg'), 'utf8')).toContain('guard check')
    })
  }

  it('goes where core.hooksPath says, and through a link', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    repository.git('config', 'core.hooksPath', '.githooks')
    repository.write('scripts/hook.sh', '#!/bin/sh\nexit 0\n')
    chmodSync(join(repository.directory, 'scripts/hook.sh'), 0o755)
    mkdirSync(join(repository.directory, '.githooks'))
    const hook = join(repository.directory, '.githooks/pre-commit')
    symlinkSync('../scripts/hook.sh', hook)
    expect(await guard(daemon, repository, 'install')).toMatchObject({ code: 0 })
    expect(readFileSync(join(repository.directory, 'scripts/hook.sh'), 'utf8')).toContain('guard')
    expect(readFileSync(hook, 'utf8')).toContain('guard check')
  })

  it('says so outside of a repository', async () => {
    await using daemon = await startStandIn({})
    const { code, stderr } = await guard(daemon, daemon as unknown as Repository, 'install')
    expect(code).toBe(1)
    expect(stderr).toContain('in no git repository')
  })
})

describe('an installed guard', () => {
  /** A repository with a commit on each of two branches, the one on `side` with `line` in it. */
  async function withSide(line: string, message = 'side') {
    const daemon = await startHolder()
    const env = withProgram(daemon)
    const repository = createRepository(env)
    repository.git('checkout', '--quiet', '-b', 'main')
    repository.stage('base.txt', 'base\n')
    repository.git('commit', '--quiet', '--message', 'base')
    repository.git('checkout', '--quiet', '-b', 'side')
    repository.stage('side.txt', `${line}\n`)
    repository.git('commit', '--quiet', '--message', message)
    repository.git('checkout', '--quiet', 'main')
    repository.stage('main.txt', 'main\n')
    repository.git('commit', '--quiet', '--message', 'main')
    await guard(daemon, repository, 'install', env)
    const head = () => repository.git('log', '-1', '--format=%s').trim()
    return {
      repository,
      head,
      async [Symbol.asyncDispose]() {
        repository[Symbol.dispose]()
        await daemon[Symbol.asyncDispose]()
      },
    }
  }

  const WAYS = [
    ['a merge', ['merge', '--no-edit', 'side'], "Merge branch 'side'"],
    ['a cherry-pick', ['cherry-pick', 'side'], 'side'],
    ['a cherry-pick of many', ['cherry-pick', 'side~1..side'], 'side'],
    [
      'a cherry-pick with an editor',
      ['-c', 'core.editor=true', 'cherry-pick', '-e', 'side'],
      'side',
    ],
  ] as const

  for (const [name, command, subject] of WAYS) {
    it(`refuses ${name} that brings a secret`, async () => {
      await using at = await withSide(`token: ${SECRET}`)
      const { code, said } = await at.repository.tryGit(command)
      expect(code).not.toBe(0)
      expect(said).toContain('  side.txt:1: a secret of ours')
      expect(at.head()).toBe('main')
    })

    it(`lets ${name} pass that brings none, in silence`, async () => {
      await using at = await withSide('nothing of interest')
      const { code, said } = await at.repository.tryGit(command)
      expect(code).toBe(0)
      expect(said).not.toContain('evo-token')
      expect(at.head()).toBe(subject)
    })
  }

  it('refuses a cherry-pick whose message has a secret', async () => {
    await using at = await withSide('fine', `side\n\nSee ${SECRET}.`)
    const { code, said } = await at.repository.tryGit(['cherry-pick', 'side'])
    expect(code).not.toBe(0)
    expect(said).toContain('  commit message:3: a secret of ours')
  })

  it('refuses a revert that brings a secret back', async () => {
    await using at = await withSide('fine')
    const { repository } = at
    const off = { EVO_TOKEN_GUARD: 'off' }
    repository.stage('old.txt', JWT)
    await repository.tryGit(['commit', '--quiet', '--message', 'adds it'], off)
    repository.git('rm', '--quiet', 'old.txt')
    await repository.tryGit(['commit', '--quiet', '--message', 'takes it out'], off)
    const { code, said } = await repository.tryGit(['revert', '--no-edit', 'HEAD'])
    expect(code).not.toBe(0)
    expect(said).toContain('  old.txt:1: a JWT')
    expect(at.head()).toBe('takes it out')
  })

  it('refuses a patch from the mail with a secret in it, or in its message', async () => {
    for (const [line, message] of [
      [SECRET, 'side'],
      ['fine', `side\n\n${SECRET}`],
    ] as const) {
      await using at = await withSide(line, message)
      const patch = join(at.repository.directory, '.git/side.patch')
      writeFileSync(patch, at.repository.git('format-patch', '-1', '--stdout', 'side'))
      const { code, said } = await at.repository.tryGit(['am', patch])
      expect(code).not.toBe(0)
      expect(said).toMatch(/ {2}(side\.txt:1|commit message:3): a secret of ours/)
      expect(at.head()).toBe('main')
    }
  })

  it('looks at the message of a commit, but not at the diff that git shows below it', async () => {
    await using at = await withSide('fine')
    const { repository } = at
    const off = { EVO_TOKEN_GUARD: 'off' }
    repository.stage('old.txt', `${JWT}\n`)
    await repository.tryGit(['commit', '--quiet', '--message', 'adds it'], off)
    repository.git('rm', '--quiet', 'old.txt')
    const verbose = ['-c', 'core.editor=echo takes it out >', 'commit', '--verbose', '--quiet']
    const kept = ['-c', `core.editor=sed -i '1s/^/subject/'`, 'commit', '--verbose', '--quiet']
    expect(await repository.tryGit([...kept, '--allow-empty'])).toMatchObject({ code: 0 })
    repository.stage('new.txt', 'fine\n')
    expect(await repository.tryGit(verbose)).toMatchObject({ code: 0 })
    repository.stage('new.txt', 'fine too\n')
    const refused = await repository.tryGit(['commit', '--message', `subject\n\nBearer ${SECRET}`])
    expect(refused.code).toBe(1)
    expect(refused.said).toContain('  commit message:3: a secret of ours')
    expect(at.head()).toBe('takes it out')
  })

  const scissors = (comment = '#') =>
    `subject\n\n${comment} ------------------------ >8 ------------------------\nBearer ${SECRET}\n`

  for (const [name, command] of [
    ['of --message', ['commit', '--message', scissors()]],
    ['with carriage returns', ['commit', '--message', scissors().replaceAll('\n', '\r\n')]],
    ['with another comment character', ['-c', 'core.commentChar=;', 'commit', '-m', scissors(';')]],
    ['with a comment string', ['commit', '--message', scissors('// x')]],
    ['that is taken as it is', ['commit', '--cleanup=verbatim', '--message', scissors()]],
    ['from a file', ['commit', '--file', 'message']],
    ['of --amend', ['commit', '--amend', '--message', scissors()]],
    ['from an editor', ['-c', 'core.editor=cp message', 'commit']],
    ['from an editor, of --amend', ['-c', 'core.editor=cp message', 'commit', '--amend']],
    [
      'that rebase has reworded',
      [
        ...['-c', "sequence.editor=sed -i 's/^pick/reword/'", '-c', 'core.editor=cp message'],
        ...['rebase', '--interactive', '--quiet', 'HEAD~'],
      ],
    ],
  ] as const)
    it(`looks at what stands below scissors in a message ${name}`, async () => {
      await using at = await withSide('fine')
      const { repository } = at
      repository.write('message', scissors())
      if (!name.includes('rebase')) repository.stage('new.txt', 'fine\n')
      const { code, said } = await repository.tryGit(command)
      expect(said).toContain('  commit message:4: a secret of ours')
      expect(code).toBe(1)
    })

  for (const [name, command] of [
    ['one --verbose', ['commit', '--verbose']],
    ['--amend', ['commit', '--verbose', '--amend']],
    ['what is not staged', ['commit', '--verbose', '--verbose']],
  ] as const)
    it(`does not take the diff that git shows below the message for one: ${name}`, async () => {
      await using at = await withSide('fine')
      const { repository } = at
      repository.stage('old.txt', `${SECRET}\n`)
      repository.stage('other.txt', `${SECRET}\n`)
      await repository.tryGit(['commit', '--quiet', '-m', 'adds it'], { EVO_TOKEN_GUARD: 'off' })
      repository.git('rm', '--quiet', 'old.txt')
      if (name === '--amend') await repository.tryGit(['commit', '--quiet', '-m', 'first'])
      repository.stage('new.txt', 'fine\n')
      repository.write('other.txt', 'fine\n')
      const editor = ['-c', "core.editor=sed -i '1s/.*/takes it out/'"]
      const done = await repository.tryGit([...editor, ...command, '--quiet'])
      expect(done).toEqual({ code: 0, said: '' })
      expect(at.head()).toBe('takes it out')
    })

  it('lets a rebase make commits again that were looked at when they were made', async () => {
    await using at = await withSide(SECRET)
    const { code, said } = await at.repository.tryGit(['rebase', '--quiet', 'main', 'side'])
    expect({ code, said }).toEqual({ code: 0, said: '' })
  })

  it('looks at a commit once, and lets --no-verify skip it', async () => {
    await using at = await withSide('fine')
    const { repository } = at
    repository.stage('a.txt', SECRET)
    const refused = await repository.tryGit(['commit', '--quiet', '--message', 'x'])
    expect(refused.said.match(/would give away/g)).toHaveLength(1)
    const skipped = await repository.tryGit(['commit', '--quiet', '--no-verify', '--message', 'x'])
    expect(skipped).toEqual({ code: 0, said: '' })
  })
})
