/** The adapters of the Python client with the real libraries: the Evo SDK, requests, httpx, IPython. */
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, expect } from 'vitest'
import { runCli } from '../support/daemon-process.ts'
import { createPerson } from '../support/person.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { noAdapters, type EvoWorld, ROOT, startEvoWorld } from '../support/evo-world.ts'

const missing = noAdapters()

/** Runs Python to its end, and gives what it printed. */
async function printed(world: EvoWorld, ...args: string[]): Promise<string> {
  const child = world.python(...args)
  if (!child.stdout || !child.stderr) throw new Error('it has no output')
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  expect(code, stdout + stderr).toBe(0)
  return stdout
}

const SHELL = `
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic('load_ext', 'evo_token')`

/** Runs a notebook's lines, with a person who reads what it prints and types. */
function startNotebook(world: EvoWorld, script: string) {
  const child = world.python('-c', script)
  const { stderr, stdin, stdout } = child
  if (!stdout || !stderr || !stdin) throw new Error('it has no pipes')
  const printedLines = createInterface(stdout)[Symbol.asyncIterator]()
  let failed = ''
  stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
  return {
    child,
    lines: async () => String((await printedLines.next()).value),
    stderr: () => failed,
    write: (line: string) => stdin.write(`${line}\n`),
  }
}

async function startSdkJob(world: EvoWorld) {
  const child = world.python(join(import.meta.dirname, 'sdk-job.py'))
  const { stdin, stdout } = child
  if (!stdin || !stdout) throw new Error('it has no pipes')
  const lines = createInterface(stdout)[Symbol.asyncIterator]()
  return {
    async does(word: string): Promise<string> {
      stdin.write(`${word}\n`)
      return String((await lines.next()).value)
    },
    async end() {
      stdin.end()
      await once(child, 'exit')
    },
  }
}

describe.concurrent('the authorizer for the Evo SDK', () => {
  itNeeds(missing)(
    'outlives tokens, a 401, a restart, and says when its client secret is gone',
    async () => {
      await using world = await startEvoWorld(8)
      const { api, home } = world
      const job = await startSdkJob(world)
      expect(await job.does('ask')).toBe('Test Mining')
      await until('the job has used three tokens', async () => {
        expect(await job.does('ask')).toBe('Test Mining')
        return api.tokens.size >= 3
      })

      api.rejectNext()
      expect(await job.does('ask')).toBe('Test Mining')
      expect(api.statuses).toContain(401)

      await world.restart()
      const before = api.tokens.size
      await until('the job has used another token', async () => {
        expect(await job.does('ask')).toBe('Test Mining')
        return api.tokens.size > before
      })

      expect(await runCli(home, ['logout', 'pipeline'])).toMatchObject({ code: 0 })
      await until(
        'the job is refused a token',
        () => job.does('ask'),
        (answer) => answer === 'Misconfigured',
      )
      await job.end()
    },
  )

  itNeeds(missing)('fifty at once with one refused token cause one refresh', async () => {
    await using world = await startEvoWorld(600)
    const { api, server } = world
    const job = await startSdkJob(world)
    expect(await job.does('crowd')).toBe('ready')
    const asked = server.count('client_credentials')
    api.rejectNext()
    expect(await job.does('go')).toBe('50')
    expect(server.count('client_credentials')).toBe(asked + 1)
    await job.end()
  })
})

describe.concurrent('requests and httpx', () => {
  const scripts = {
    requests: `import requests; from evo_token.requests import SidecarAuth
get = lambda: requests.get(URL, auth=SidecarAuth()).status_code`,
    httpx: `import httpx; from evo_token.httpx import SidecarAuth
get = lambda: httpx.get(URL, auth=SidecarAuth()).status_code`,
    'httpx of asyncio': `import asyncio, httpx; from evo_token.httpx import SidecarAuth
async def once():
    async with httpx.AsyncClient(auth=SidecarAuth()) as client:
        return (await client.get(URL)).status_code
get = lambda: asyncio.run(once())`,
  }
  for (const [name, script] of Object.entries(scripts)) {
    itNeeds(missing)(`${name}: tries once more where a token was refused`, async () => {
      await using world = await startEvoWorld(600)
      world.api.rejectNext()
      const url = `URL = '${world.api.url}/evo/identity/v2/discovery?service=evo'`
      expect(await printed(world, '-c', `${url}\n${script}\nprint(get())`)).toBe('200\n')
      expect(world.api.statuses).toEqual([401, 200])
    })
  }
})

describe.concurrent('the package', () => {
  itNeeds(missing)('shows the apps and one readable line in a notebook', async () => {
    await using world = await startEvoWorld(600)
    const script = `
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic('load_ext', 'evo_token')
table = shell.run_line_magic('evo_status', '')
print(repr(table)); print(table._repr_html_())
print(repr(shell.run_line_magic('evo_activity', '')))
shell.run_cell('from evo_token import get_token; get_token("nobody")')`
    const said = await printed(world, '-c', script)
    expect(said).toMatch(/^App +Type +Session/m)
    expect(said).toContain('<td>pipeline</td>')
    expect(said).toMatch(/^When +App +What +Caller$/m)
    expect(said).toMatch(/^[\d-]+ [\d:]+ +- +started +-$/m)
    expect(said).toMatch(/Refused: .*nobody/)
    expect(said).not.toContain('Traceback')
  })

  itNeeds(missing)('shows a token without an end as that, and no token as none', async () => {
    await using world = await startEvoWorld(600)
    const script = `
from evo_token._magics import StatusTable
one = {"app": "a", "type": "service", "session": "active", "freshness": "fresh", "expires_at": None}
print(repr(StatusTable([one, {**one, "app": "b", "session": "signed-out", "freshness": "none"}])))`
    const said = await printed(world, '-c', script)
    expect(said).toMatch(/^a +service +active +fresh +no end$/m)
    expect(said).toMatch(/^b +service +signed-out +none +-$/m)
  })

  itNeeds(missing)('shows one app in local time, with what is wrong and what to do', async () => {
    await using world = await startEvoWorld(600)
    Object.assign(world.env, { TZ: 'Asia/Kolkata' })
    const script = `${SHELL}
from evo_token import EvoTokenError
try:
    shell.run_line_magic('evo_login', "me's")
except EvoTokenError as error:
    print(error)
print(repr(shell.run_line_magic('evo_status', '"me"')))
table = shell.run_line_magic('evo_status', 'pipeline')
print(repr(table))
from evo_token._magics import StatusTable
print(repr(StatusTable([{"app": "a", "freshness": "fresh", "expires_at": "2026-01-01T20:00:00Z"}])))`
    const said = await printed(world, '-c', script)
    expect(said).toContain('A quotation mark is not closed.')
    expect(said).toMatch(/^App .* What is wrong +What to do$/m)
    expect(said).toMatch(/^me +native +signed-out .*evo-token login me/m)
    expect(said).toMatch(/^pipeline +service +active +fresh +\d{4}-\d\d-\d\d \d\d:\d\d IST$/m)
    expect(said).toMatch(/^a .* 2026-01-02 01:30 IST$/m)
    expect(said.match(/^pipeline/gm)).toHaveLength(1)
  })

  itNeeds(missing)('signs a person in from a notebook, in the browser that is there', async () => {
    await using world = await startEvoWorld(600)
    Object.assign(world.env, { DISPLAY: ':0' })
    const script = `
import webbrowser
webbrowser.open = lambda link: False
${SHELL}
shell.run_line_magic('evo_login', 'me')
from evo_token import get_token
print(get_token('me').app)`
    const { lines, stderr } = startNotebook(world, script)
    const link = /http:\S+/.exec(await lines())?.[0]
    expect(await lines()).toContain('compare with the registration of me: client id native-evo-me')
    await createPerson('ada').visit(link ?? '')
    expect(await lines(), stderr()).toBe('Signed in to me as ada@example.com.')
    expect(await lines()).toBe('me')
  })

  itNeeds(missing)('asks which app to sign in to, and means EVO_TOKEN_APP', async () => {
    await using world = await startEvoWorld(600)
    const said = await printed(
      world,
      '-c',
      `${SHELL}
from evo_token import EvoTokenError
import os
def login():
    try:
        shell.run_line_magic('evo_login', '')
    except EvoTokenError as error:
        print(error)
del os.environ['EVO_TOKEN_APP']
login()
os.environ['EVO_TOKEN_APP'] = 'nobody'
login()`,
    )
    expect(said).toMatch(/No app is named\. Name one of .*\bme\b/)
    expect(said).toContain('named "nobody"')
  })

  const REMOTE = { DISPLAY: ':0', JUPYTERHUB_USER: 'ada' }

  itNeeds(missing)('shows a code for the browser elsewhere', async () => {
    await using world = await startEvoWorld(600)
    Object.assign(world.env, REMOTE)
    const { lines, stderr } = startNotebook(
      world,
      `${SHELL}\nshell.run_line_magic('evo_login', 'me')`,
    )
    const [, uri = '', code] =
      /open (\S+) and see that it shows the code (\S+)\./.exec(await lines()) ?? []
    expect(uri).toContain(code)
    await createPerson('ada').visit(uri)
    expect(await lines(), stderr()).toBe('Signed in to me as ada@example.com.')
  })

  itNeeds(missing)('takes the address that the browser elsewhere ended on', async () => {
    await using world = await startEvoWorld(600)
    Object.assign(world.env, REMOTE)
    const script = `${SHELL}\nshell.run_line_magic('evo_login', 'me --no-browser')`
    const { lines, stderr, write } = startNotebook(world, script)
    const link = /http:\S+/.exec(await lines())?.[0] ?? ''
    expect(await lines()).toContain('compare with the registration of me')
    const stopAt = new URL(link).searchParams.get('redirect_uri') ?? ''
    const { url } = await createPerson('ada').visit(link, { stopAt })
    write('http://localhost/elsewhere?state=guessed')
    expect(await lines()).toContain('That is not the address that this sign-in ends at.')
    // As a mail breaks it, which a terminal takes for two answers.
    const middle = url.indexOf('code=') + 8
    write(url.slice(0, middle))
    expect(await lines()).toContain('Paste the whole address')
    write(url.slice(middle))
    expect(await lines(), stderr()).toContain('Signed in to me as ada@example.com.')
  })

  itNeeds(missing)('ends the sign-in of a notebook that is interrupted', async () => {
    await using world = await startEvoWorld(600)
    Object.assign(world.env, REMOTE)
    const script = `${SHELL}\nshell.run_line_magic('evo_login', 'me --no-browser')`
    const { child, lines, stderr } = startNotebook(world, script)
    const link = /http:\S+/.exec(await lines())?.[0] ?? ''
    const redirectUri = new URL(link).searchParams.get('redirect_uri') ?? ''
    child.kill('SIGINT')
    await once(child, 'exit')
    expect(stderr()).toContain('The sign-in to me is left unfinished; nothing has changed.')
    expect(stderr()).not.toContain('KeyboardInterrupt')
    await expect(createPerson('ada').visit(redirectUri)).rejects.toThrow('ECONNREFUSED')
  })

  itNeeds(missing)('is typed', async () => {
    await using world = await startEvoWorld(600)
    const cache = join(world.home.directory, 'mypy')
    Object.assign(world.env, { MYPYPATH: 'clients/python/src' })
    const said = await printed(
      world,
      ...['-m', 'mypy', '--strict', '--cache-dir', cache, '-p', 'evo_token'],
    )
    expect(said).toContain('Success')
  })

  itNeeds(missing)('is built as a wheel and as an sdist', async () => {
    await using world = await startEvoWorld(600)
    const out = await mkdtemp(join(tmpdir(), 'evo-token-wheel-'))
    try {
      await printed(world, '-m', 'build', '-n', '-o', out, join(ROOT, 'clients/python'))
      const built = await readdir(out)
      expect(built.map((name) => name.replace(/-\d.*?(-|\.tar)/, '$1')).sort()).toEqual([
        'evo_token-py3-none-any.whl',
        'evo_token.tar.gz',
      ])
    } finally {
      await rm(out, { recursive: true })
    }
  })
})
