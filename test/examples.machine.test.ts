/** The examples, as a person runs them: each against a daemon, its server, and what stands in for Evo. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect } from 'vitest'
import { noAdapters, type EvoWorld, ROOT, startEvoWorld } from './support/evo-world.ts'
import { MAIN } from './support/daemon-process.ts'
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
