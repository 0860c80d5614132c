import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from '../../support/needs.ts'
import { createRepository, gitMissing, type Repository } from '../repository.ts'
import { startStandIn } from '../stand-in.ts'
import { guard, JWT, SECRET, SHA256, startHolder } from './guarded.ts'

const it = itNeeds(gitMissing)

describe('guard check', () => {
  it('passes a change without secrets, and says nothing', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', 'nothing of interest here, really: nothing-at-all-to-be-found\n')
    expect(await guard(daemon, repository)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('refuses a secret that the daemon holds, with its place and never itself', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a/b c.py', `one\ntwo\nTOKEN = "${SECRET}"\n`)
    const { code, stdout, stderr } = await guard(daemon, repository)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`  a/b c.py:3: a secret of ours (${SHA256.slice(0, 8)})\n`)
    expect(stderr).not.toContain(SECRET)
    expect(JSON.stringify(daemon.asked)).not.toContain(SECRET)
  })

  it('finds it among the thousands of strings of a large change', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const hash = (n: number) => createHash('sha512').update(String(n)).digest('base64')
    const lines = Array.from({ length: 2_000 }, (_, n) => `"integrity": "sha512-${hash(n)}"`)
    repository.stage('lock.json', [...lines, SECRET, ...lines].join('\n'))
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('lock.json:2001: a secret of ours')
  })

  it('looks at what is staged, and only at lines that are added', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('old.txt', `${JWT}\nstays\n`)
    repository.git('commit', '--quiet', '--message', 'before', '--no-verify')
    repository.stage('old.txt', `stays\nis new\n`)
    repository.write('unstaged.txt', JWT)
    expect(await guard(daemon, repository)).toMatchObject({ code: 0 })
  })

  it('counts the lines of every hunk', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const lines = Array.from({ length: 60 }, (_, n) => `line ${n + 1}`)
    repository.stage('a.txt', lines.join('\n'))
    repository.git('commit', '--quiet', '--message', 'before', '--no-verify')
    lines[9] = JWT
    lines.splice(30, 2)
    lines[49] = JWT
    repository.stage('a.txt', lines.join('\n'))
    repository.git('config', 'diff.interHunkContext', '100')
    for (const env of [{}, { GIT_DIFF_OPTS: '--unified=5' }]) {
      const { stderr } = await guard(daemon, repository, 'check', env)
      expect(stderr.match(/a\.txt:\d+/g)).toEqual(['a.txt:10', 'a.txt:50'])
    }
  })

  it('is not misled by lines that look like a diff, nor by settings of git', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    for (const [name, value] of [
      ['diff.noprefix', 'true'],
      ['diff.mnemonicPrefix', 'true'],
      ['color.ui', 'always'],
      ['diff.external', 'true'],
      ['diff.relative', 'true'],
      ['core.quotePath', 'true'],
      ['diff.context', '10'],
    ]) {
      repository.git('config', String(name), String(value))
    }
    repository.stage('möre.txt', `++ b/other.txt\n@@ -1 +1 @@\n-- a\n${JWT}\n`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('  möre.txt:4: a JWT\n')
  })

  it('looks at new names of files, and shows none of the secret in them', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('old.txt', 'a\nb\nc\n')
    repository.stage(`kept-${SECRET}`, 'x\n')
    repository.git('commit', '--quiet', '--no-verify', '--message', 'x')
    repository.stage(`kept-${SECRET}`, 'y\n')
    expect(await guard(daemon, repository)).toMatchObject({ code: 0 })

    for (const [name, shown] of [
      [`download?access_token=${SECRET}`, 'down…'],
      [`a/${SECRET}/b c`, 'a/Zm9v…/b c'],
      [`ümlaut "${SECRET}"`, 'ümla…'],
    ] as const) {
      for (const content of ['', `${JWT}\n`]) {
        repository.stage(name, content)
        const { code, stderr } = await guard(daemon, repository)
        expect([name, code]).toEqual([name, 1])
        expect(stderr).toContain(`  the name of ${shown}: a secret of ours`)
        if (content !== '') expect(stderr).toContain(`  ${shown}:1: a JWT`)
        expect(stderr).not.toContain(SECRET)
        repository.git('reset', '--quiet', '--hard')
      }
    }
    repository.git('mv', 'old.txt', `${SECRET}.txt`)
    const { code, stderr } = await guard(daemon, repository)
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('  the name of Zm9v…: a secret of ours') as string,
    })
  })

  it('looks into files that git takes for binary', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.bin', Buffer.concat([Buffer.from([0, 1, 2, 255, 10, 0]), Buffer.from(JWT)]))
    expect(await guard(daemon, repository)).toMatchObject({ code: 1 })
  })

  const utf16 = (text: string) => Buffer.from(text, 'utf16le')
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
  const wrapped = (text: string, width: number) =>
    text.replace(new RegExp(`.{${width}}`, 'g'), '$&\n')

  for (const [what, content, line] of [
    ['UTF-16, as PowerShell writes it', utf16(`\ufeffFirst\r\nTOKEN=${SECRET}\r\n`), 2],
    ['UTF-16 without a byte order mark', utf16(`First\r\n${SECRET}`), 2],
    ['UTF-16 of the other byte order', utf16(`First\n${SECRET}`).swap16(), 2],
    ['a Basic header', `Authorization: Basic ${base64(`my-app:${SECRET}`)}\n`, 1],
    ['a Basic header, encoded twice', `Basic ${base64(`a:${encodeURIComponent(SECRET)}`)}`, 1],
    ['base64', `data:\n  key: ${base64(`TOKEN=${SECRET}\n`)}\n`, 2],
    ['base64 for URLs', `x=${Buffer.from(`>>?${SECRET}`).toString('base64url')}`, 1],
    ['base64 in lines', `a: |\n  ${wrapped(base64(`${'x '.repeat(20)}${SECRET} x`), 76)}`, 2],
    ['base64 in short lines', `// ${wrapped(base64(`${'y'.repeat(30)} ${SECRET}`), 40)}`, 1],
    [
      'base64 in lines of code',
      `a = (\n  b'${wrapped(base64(`${'y'.repeat(30)} ${SECRET}`), 40).replaceAll('\n', "'\n  b'")}')\n`,
      2,
    ],
    ['a URL with line breaks around it', `http://localhost/x%0A${SECRET}%0Ay\n`, 1],
    ['JSON with escapes around it', `{"out":"line\\n${SECRET}\\u0026\\tmore"}\n`, 1],
    ['a word with a prefix', `my-old-${SECRET}\n`, 1],
    ['a word with a prefix and no mark', `token${SECRET}\n`, 1],
    ['a word with a suffix', `${SECRET}.bak\n`, 1],
  ] as const) {
    it(`finds a secret that the daemon holds in ${what}`, async () => {
      await using daemon = await startHolder()
      using repository = createRepository()
      repository.stage('a.txt', content)
      const { code, stderr } = await guard(daemon, repository)
      expect(code).toBe(1)
      expect(stderr).toContain(`  a.txt:${line}: a secret of ours (${SHA256.slice(0, 8)})\n`)
    })
  }

  const odd = 'Q7f~8Zk2!mWp4$Xv9_Tn6@Lr'

  for (const [what, content] of [
    ['a URL', `https://my-app:${odd}@localhost/token`],
    ['a command', `curl --user my-app:${odd} -d grant_type=client_credentials https://localhost`],
    ['a form', `grant_type=x&client_id=y&password=${encodeURIComponent(odd)}&scope=z`],
    ['a table', `my-app,${odd},2026-11-26`],
    ['a call', `signIn(${odd}, wait)`],
    ['a list', `<li>${odd}</li>`],
    ['a sentence', `It is ${odd}, and the other is not.`],
  ] as const) {
    it(`finds a secret with other characters than those of a token in ${what}`, async () => {
      await using daemon = await startHolder(odd)
      using repository = createRepository()
      repository.stage('a.txt', `${content}\n`)
      const { code, stderr } = await guard(daemon, repository)
      expect(stderr).toContain('  a.txt:1: a secret of ours')
      expect(code).toBe(1)
    })
  }

  it('finds shapes in every encoding without a daemon', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const key = `evtk_${'aB3-_'.repeat(8)}`
    repository.stage('a.txt', utf16(`\ufeffkey: ${key}\r\n`))
    repository.stage('b.txt', base64(`{"token":"${JWT}"}`))
    repository.stage('c.txt', `Authorization: Basic ${base64('my-app:Q7f~8Zk2-mWp4Xv9_Tn6Lr')}`)
    const { stderr } = await guard(daemon, repository)
    expect(stderr).toContain('  a.txt:1: an access key\n')
    expect(stderr).toContain('  b.txt:1: a JWT\n')
    expect(stderr).toContain('  c.txt:1: a Basic header\n')
  })

  it('lets a line pass that says so, and no other', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage(
      'a.py',
      `a = '${JWT}'  # evo-token: allow\nb = '${SECRET}'  # evo-token: allow\n`,
    )
    repository.stage('b.ps1', utf16(`\ufeff$a = '${JWT}' # evo-token: allow\r\n`))
    expect(await guard(daemon, repository)).toEqual({ code: 0, stdout: '', stderr: '' })
    repository.stage(
      'c.py',
      `# evo-token: allow\na = '${JWT}'\nb = '${SECRET}' # evo-token: allowed\n`,
    )
    const { stderr } = await guard(daemon, repository)
    expect(stderr.match(/^ {2}\S+/gm)).toEqual(['  c.py:2:', '  c.py:3:'])
  })

  it('does not take base64 of an allowance for one', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', base64(`# evo-token: allow\n${JWT}\n`))
    expect(await guard(daemon, repository)).toMatchObject({ code: 1 })
  })

  it('looks through a line of any length, to its end', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const megabytes = (count: number, text: string) =>
      text.repeat((count * 1024 * 1024) / text.length)
    const blob = randomBytes(4 * 1024 * 1024).toString('base64')
    repository.stage('a.txt', `"${blob}" "${JWT}"`)
    repository.stage('b.json', `{"map":[${megabytes(4, '[-122.41941,37.77],')}], "x": "${SECRET}"}`)
    repository.stage(
      'c.txt',
      `'${megabytes(4, `it's; `)} ${megabytes(4, 'client_secret="')} ${SECRET}`,
    )
    repository.stage('d.txt', `${megabytes(3, 'word ')} ${JWT} ${SECRET} // evo-token: allow\n`)
    repository.stage('e.txt', base64(`${megabytes(3, 'word ')}${SECRET}`))
    repository.stage('f.txt', `${megabytes(3, 'eyJ.a.')} fine`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr.match(/^ {2}\S+/gm)?.sort()).toEqual(['  a.txt:1:', '  b.json:1:'])
    repository.git('rm', '--cached', '--quiet', 'b.json')
    expect((await guard(daemon, repository)).stderr).toContain('c.txt:1: a secret of ours')
    repository.git('rm', '--cached', '--quiet', 'c.txt')
    expect((await guard(daemon, repository)).stderr).toContain('e.txt:1: a secret of ours')
  })

  it('looks through millions of lines', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', `${'\n'.repeat(10 * 1024 * 1024)}${SECRET}`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('  a.txt:10485761: a secret of ours')
  })

  it('asks the daemon a bounded number of questions about a file, says so, and goes on with the next', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    const ids = Array.from({ length: 120_000 }, (_, n) => `"${n.toString(16).padStart(32, '0')}"`)
    repository.stage('a.json', ids.join(','))
    repository.stage('b.txt', `x${SECRET}\n`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(1)
    expect(stderr).toContain('There is too much in a.json to compare all of it')
    expect(stderr).toContain('  b.txt:1: a secret of ours')
    expect(daemon.asked.length).toBeLessThan(500)
  })

  it('still refuses what looks like a token where there is no daemon, and says what is missing', async () => {
    await using daemon = await startStandIn({})
    using repository = createRepository()
    const nowhere = { env: { ...daemon.env, EVO_TOKEN_RUNTIME_DIR: join(daemon.directory, 'x') } }
    repository.stage('a.txt', `${SECRET}\n`)
    const held = await guard(nowhere, repository)
    expect(held.code).toBe(0)
    expect(held.stderr).toContain('could not compare: The daemon cannot be reached')
    repository.stage('a.txt', `key: evtk_${'a'.repeat(43)}\n`)
    const shaped = await guard(nowhere, repository)
    expect(shaped.code).toBe(1)
    expect(shaped.stderr).toContain('a.txt:1: an access key')
    expect(shaped.stderr).not.toContain('aaaa')
  })

  it('compares nothing with a daemon whose vault is locked, and says so', async () => {
    await using daemon = await startStandIn({
      'POST /v1/guard': () => ({ problem: { error: 'vault_locked', detail: 'Locked.' } }),
    })
    using repository = createRepository()
    repository.stage('a.txt', `${SECRET}\n`)
    const { code, stderr } = await guard(daemon, repository)
    expect(code).toBe(0)
    expect(stderr).toContain('could not compare: Locked.')
  })

  it('lets everything pass where it is switched off', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    repository.stage('a.txt', JWT)
    const { code, stderr } = await guard(daemon, repository, 'check', { EVO_TOKEN_GUARD: 'off' })
    expect(code).toBe(0)
    expect(stderr).toContain('EVO_TOKEN_GUARD=off')
  })

  it('says so outside of a repository', async () => {
    await using daemon = await startHolder()
    const outside = { directory: daemon.directory } as Repository
    const { code, stderr } = await guard(daemon, outside)
    expect(code).toBe(1)
    expect(stderr).toContain('Run it in a git repository.')
  })
})
