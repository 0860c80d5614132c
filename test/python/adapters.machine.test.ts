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
shell.run_cell('from evo_token import get_token; get_token("nobody")')`
    const said = await printed(world, '-c', script)
    expect(said).toMatch(/^App +Type +Session/m)
    expect(said).toContain('<td>pipeline</td>')
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

  itNeeds(missing)('signs a person in from a notebook', async () => {
    await using world = await startEvoWorld(600)
    const script = `
import webbrowser
webbrowser.open = lambda link: False
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic('load_ext', 'evo_token')
shell.run_line_magic('evo_login', 'me')
from evo_token import get_token
print(get_token('me').app)`
    const child = world.python('-c', script)
    if (!child.stdout || !child.stderr) throw new Error('it has no output')
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const link = /http:\S+/.exec(String((await lines.next()).value))?.[0]
    await createPerson('ada').visit(link ?? '')
    expect(await lines.next(), await text(child.stderr)).toMatchObject({
      value: 'Signed in to me.',
    })
    expect(await lines.next()).toMatchObject({ value: 'me' })
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
