/** The examples, as a person runs them: each against a daemon, its server, and what stands in for Evo. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { noAdapters, type EvoWorld, ROOT, startEvoWorld } from './support/evo-world.ts'
import { MAIN, runCli } from './support/daemon-process.ts'
import { itNeeds, missingCommands } from './support/needs.ts'
import { until } from './support/until.ts'

const LIST = 'Test Mining\ttest\tNorth pit\nTest Mining\ttest\tSouth pit\n'

async function ended(child: ReturnType<typeof spawn>): Promise<string> {
  if (!child.stdout || !child.stderr) throw new Error('it has no output')
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  expect(code, stdout + stderr).toBe(0)
  return stdout
}

/** With `evo-token` on the PATH. */
async function run(world: EvoWorld, command: string, ...args: string[]): Promise<string> {
  const bin = join(world.home.directory, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'evo-token'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  await chmod(join(bin, 'evo-token'), 0o755)
  const env = { ...world.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
  return ended(spawn(command, args, { env, cwd: ROOT }))
}

const EXECUTE = `
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120).execute()
print(notebook.cells[-2].outputs[0]['data']['text/plain'])`

describe.concurrent('the examples', () => {
  itNeeds(noAdapters())('the notebook outlives two tokens and a 401', async () => {
    await using world = await startEvoWorld(8)
    const { api, env } = world
    Object.assign(env, { EVO_EXAMPLE_ROUNDS: '40', EVO_EXAMPLE_PAUSE_S: '0.5' })
    const child = world.python('-c', EXECUTE, 'examples/notebook.ipynb')
    const end = ended(child)
    await until('the notebook has used two tokens', () => api.tokens.size >= 2)
    api.rejectNext()
    expect(await end).toContain("'North pit', 'South pit'")
    expect(api.tokens.size).toBeGreaterThanOrEqual(4)
    expect(api.statuses).toContain(401)
  })

  for (const script of ['evo_sdk.py', 'requests_job.py']) {
    itNeeds(noAdapters())(script, async () => {
      await using world = await startEvoWorld(600)
      expect(await ended(world.python(`examples/${script}`))).toBe(LIST)
    })
  }

  itNeeds(missingCommands('curl'))('curl.sh', async () => {
    await using world = await startEvoWorld(600)
    expect(await run(world, 'sh', 'examples/curl.sh')).toContain('"display_name":"Test Mining"')
  })

  itNeeds(missingCommands('Rscript'))('httr2.R', async () => {
    await using world = await startEvoWorld(600)
    world.api.rejectNext()
    expect(await run(world, 'Rscript', 'examples/httr2.R')).toBe('Test Mining\n')
    expect(world.api.statuses).toEqual([401, 200])
  })
})

/** The blocks of code of a document in one language, in its order. */
function snippets(path: string, language: string): string[] {
  const document = readFileSync(join(ROOT, path), 'utf8')
  return [...document.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, name, code = '']) =>
    name === language ? [code] : [],
  )
}

/** With an app of the name that documents use. */
async function startDocumentedWorld(): Promise<EvoWorld> {
  const world = await startEvoWorld(600)
  const { home, server } = world
  const config = JSON.parse(await readFile(home.config, 'utf8')) as { apps: { pipeline: object } }
  await home.write({ ...config, apps: { ...config.apps, 'evo-me': config.apps.pipeline } })
  await runCli(home, ['reload'])
  await runCli(home, ['secret', 'evo-me'], { input: server.clients.service.clientSecret })
  return world
}

describe.concurrent('the snippets of README run as they are pasted', () => {
  /** Evo itself cannot be had here: nothing but its address is another one. */
  const pasted = (code: string, { api }: EvoWorld) =>
    code.replaceAll('https://discover.api.seequent.com', api.url)

  for (const [index, code] of snippets('README.md', 'python').entries()) {
    itNeeds(noAdapters())(`Python, number ${index + 1}`, async () => {
      await using world = await startDocumentedWorld()
      const said = await ended(world.python('-c', pasted(code, world)))
      if (code.includes('print(')) expect(said).toContain('Test Mining')
    })
  }

  for (const [index, code] of snippets('README.md', 'js').entries()) {
    it(`JavaScript, number ${index + 1}`, async () => {
      await using world = await startDocumentedWorld()
      const project = join(world.home.directory, 'project')
      await mkdir(join(project, 'node_modules'), { recursive: true })
      await symlink(ROOT, join(project, 'node_modules/evo-token-sidecar'))
      // As the package of the client alone has it.
      const alone = join(project, 'node_modules/evo-token-client')
      await mkdir(alone)
      await copyFile(join(ROOT, 'dist/client.mjs'), join(alone, 'client.mjs'))
      await writeFile(join(alone, 'package.json'), '{ "exports": "./client.mjs" }')
      const program = join(project, 'program.mjs')
      await writeFile(program, `${pasted(code, world)}\nconsole.log(await answer.text())\n`)
      expect(await ended(spawn(process.execPath, [program], { env: world.env }))).toContain(
        'Test Mining',
      )
    })
  }

  itNeeds(missingCommands('curl'))('the shell', async () => {
    await using world = await startDocumentedWorld()
    const [use = ''] = snippets('README.md', 'sh').filter((code) => code.includes('get --header'))
    const job = join(world.home.directory, 'job.py')
    await writeFile(job, 'import os; print(os.environ["EVO_ACCESS_TOKEN"][:3])\n')
    const script = use
      .replace('…', `'${world.api.url}/evo/identity/v2/discovery?service=evo'`)
      .replace('python job.py', `python3 '${job}'`)
    const said = await run(world, 'sh', '-ec', `${script}\nprintf '%s' "$EVO_ACCESS_TOKEN"`)
    expect(said).toMatch(/^eyJ[^]*Test Mining[^]*eyJ\neyJ/)
  })

  itNeeds(noAdapters())("the Python client's", async () => {
    await using world = await startDocumentedWorld()
    const [first = ''] = snippets('clients/python/README.md', 'python')
    expect(await ended(world.python('-c', `${first}\nprint(list(headers))`))).toBe(
      "['Authorization']\n",
    )
  })
})
