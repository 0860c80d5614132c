/** `guard check --range`: what a CI asks of commits that exist. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../../support/needs.ts'
import { createRepository, gitMissing, type Repository } from '../repository.ts'
import { startStandIn } from '../stand-in.ts'
import { guard, JWT, SECRET, startHolder } from './guarded.ts'

const it = itNeeds(gitMissing)

const ZEROS = '0'.repeat(40)

function commit(
  repository: Repository,
  content: Readonly<Record<string, string | Buffer>>,
  message = 'x',
) {
  for (const [path, text] of Object.entries(content)) repository.stage(path, text)
  repository.git('commit', '--quiet', '--allow-empty', '--message', message)
  return repository.git('rev-parse', 'HEAD').slice(0, 10)
}

describe('guard check --range', () => {
  it('finds what each commit added, also what a later one took out', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    commit(repository, { 'a.txt': `${JWT}\n` })
    const base = repository.git('rev-parse', 'HEAD').trim()
    const one = commit(repository, { 'b c.txt': `one\n${SECRET}\n` })
    const two = commit(repository, { 'b c.txt': 'one\n', 'd.bin': Buffer.from(`\0\x01${JWT}`) })
    repository.git('rm', '--quiet', 'd.bin')
    commit(repository, {})
    const found = await guard(daemon, repository, ['check', '--range', `${base}..HEAD`])
    expect(found).toMatchObject({ code: 1, stdout: '' })
    expect(found.stderr.match(/^ {2}.*$/gm)).toHaveLength(2)
    expect(found.stderr).toContain(`  ${one}: b c.txt:2: a secret of ours`)
    expect(found.stderr).toContain(`  ${two}: d.bin:1: a JWT\n`)
    const harmless = await guard(daemon, repository, ['check', '--range', 'HEAD~1..HEAD'])
    expect(harmless).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('looks at the messages, whatever they look like', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    commit(repository, { 'a.txt': 'a\n' })
    const message = `subject\n\n@@ -1 +1 @@\n+++ b/other\ndiff --git a/x b/x\n${SECRET}\n`
    const one = commit(repository, { 'b.txt': `fine\n${JWT}\n` }, message)
    const { stderr } = await guard(daemon, repository, ['check', '--range', 'HEAD~1..'])
    expect(stderr).toContain(`  ${one}: commit message:6: a secret of ours`)
    expect(stderr).toContain(`  ${one}: b.txt:2: a JWT\n`)
  })

  it('finds in a merge what neither side has, and no more', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    commit(repository, { 'a.txt': '1\n2\n3\n4\n5\n', 'b.bin': '\0\n1\n2\n3\n' })
    repository.git('branch', 'side')
    commit(repository, { 'a.txt': `${JWT}\n2\n3\n4\n5\n` })
    const main = repository.git('rev-parse', 'HEAD').trim()
    repository.git('checkout', '--quiet', 'side')
    commit(repository, { 'a.txt': '1\n2\n3\n4\nfive\n' })
    repository.git('merge', '--quiet', '--no-commit', main)
    const evil = `${JWT}\n2\n${SECRET}\n4\nfive\n`
    const merge = commit(repository, { 'a.txt': evil, 'b.bin': `\0\n1\n${JWT}\n3\n` }, 'merge')
    const { stderr } = await guard(daemon, repository, ['check', '--range', `${main}..HEAD`])
    expect(stderr.match(/^ {2}.*$/gm)).toEqual([
      `  ${merge}: b.bin:3: a JWT`,
      expect.stringContaining(`${merge}: a.txt:3: a secret of ours`),
    ])
  })

  it('takes the zeros that a CI has for the commit before a new branch', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const one = commit(repository, { 'a.txt': `${JWT}\n` })
    commit(repository, { 'b.txt': 'b\n' })
    const { stderr } = await guard(daemon, repository, ['check', '--range', `${ZEROS}..HEAD`])
    expect(stderr).toContain(`  ${one}: a.txt:1: a JWT\n`)
  })

  it('is not misled by settings of git', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    for (const [name, value] of [
      ['log.showSignature', 'true'],
      ['log.diffMerges', 'off'],
      ['diff.noprefix', 'true'],
      ['diff.interHunkContext', '10'],
      ['color.ui', 'always'],
      ['format.pretty', 'oneline'],
      ['i18n.logOutputEncoding', 'UTF-16'],
    ]) {
      repository.git('config', String(name), String(value))
    }
    const one = commit(repository, { 'a.txt': `1\n2\n${JWT}\n` }, `x\n\nä ${SECRET}\n`)
    const { stderr } = await guard(daemon, repository, ['check', '--range', 'HEAD'])
    expect(stderr).toContain(`  ${one}: a.txt:3: a JWT\n`)
    expect(stderr).toContain(`  ${one}: commit message:3: a secret of ours`)
  })

  it('looks for shapes where there is no daemon, as on the machine of a CI', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const nowhere = { env: { ...daemon.env, EVO_TOKEN_RUNTIME_DIR: '/nonexistent' } }
    commit(repository, { 'a.txt': `${JWT}\n` })
    const { code, stderr } = await guard(nowhere, repository, ['check', '--range', 'HEAD'])
    expect(code).toBe(1)
    expect(stderr).toContain('a.txt:1: a JWT')
    expect(stderr.match(/could not compare/g)).toHaveLength(1)
  })

  for (const range of ['no-such-branch..HEAD', `${'1'.repeat(40)}..HEAD`, '--all', 'HEAD --not']) {
    it(`says so where git knows no ${range}`, async () => {
      await using daemon = await startHolder()
      using repository = createRepository()
      commit(repository, { 'a.txt': 'a\n' })
      const { code, stderr } = await guard(daemon, repository, ['check', `--range=${range}`])
      expect(code).toBe(1)
      expect(stderr).toContain('cannot be read')
    })
  }

  it('says so where no commit is in the range', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    commit(repository, { 'a.txt': 'a\n' })
    for (const range of ['HEAD..HEAD', 'HEAD^{tree}']) {
      const { code, stderr } = await guard(daemon, repository, ['check', '--range', range])
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: `evo-token: No commit is in ${range}, so none was looked at.\n`,
      })
    }
  })

  it('has a beginning, which an empty variable of a CI would not give it', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    commit(repository, { 'a.txt': 'a\n' })
    for (const range of ['..HEAD', '...HEAD', '..']) {
      const { code, stderr } = await guard(daemon, repository, ['check', `--range=${range}`])
      expect(code).toBe(2)
      expect(stderr).toContain('needs both ends of a range')
    }
  })

  it('is asked for instead of a message, not beside one', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const both = ['check', '--range', 'A..B', '--message', 'x']
    expect(await guard(daemon, repository, both)).toMatchObject({ code: 2 })
  })
})
