/** The packed package as another project's program has it: nothing beside it, and types. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT, startEvoWorld } from '../support/evo-world.ts'

const USES = `
import { authorizedFetch, EvoTokenError, getToken, TokenClient, type Token } from 'evo-token-sidecar/client'

const client = new TokenClient({ url: 'http://127.0.0.1:13860', keyFile: '/none', caller: 'x' })
const evo: typeof fetch = authorizedFetch('evo-me', { client })
export async function use(): Promise<Date | null> {
  const token: Token = await getToken('evo-me', { minTtlS: 60 })
  const [status] = await client.status()
  const session: string | undefined = status?.session
  // @ts-expect-error -- a token is not a string, so that it is not sent or printed by mistake
  const text: string = token
  try {
    await evo(token.value, { headers: { Accept: session ?? text } })
  } catch (error) {
    if (error instanceof EvoTokenError) throw new Error(error.code + error.hint)
  }
  return token.expiresAt
}
`

describe('the package', () => {
  const project = mkdtempSync(join(tmpdir(), 'evo-project-'))
  const installed = join(project, 'node_modules/evo-token-sidecar')

  beforeAll(() => {
    const packed = spawnSync(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', project],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    )
    expect(packed.status, packed.stderr).toBe(0)
    mkdirSync(installed, { recursive: true })
    const { filename } = (JSON.parse(packed.stdout) as [{ filename: string }])[0]
    const args = ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']
    expect(spawnSync('tar', args).status).toBe(0)
    writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  })
  afterAll(() => {
    rmSync(project, { recursive: true, force: true })
  })

  it('has types that a strict compiler takes without looking away', () => {
    mkdirSync(join(project, 'node_modules/@types'))
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
    }
    writeFileSync(join(project, 'use.ts'), USES)
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', 'use.ts']
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, '--skipLibCheck', 'false', ...flags],
      {
        cwd: project,
        encoding: 'utf8',
      },
    )
    expect(status, stdout).toBe(0)
  })

  it('lists workspaces through a 401 and a restart, without a module of another package', async () => {
    await using world = await startEvoWorld(600)
    cpSync(join(ROOT, 'examples/authorized_fetch.mjs'), join(project, 'example.mjs'))
    world.api.rejectNext()
    const run = async () => {
      const child = spawn(process.execPath, ['example.mjs'], { cwd: project, env: world.env })
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ])
      return { stdout, stderr }
    }
    const listed = 'Test Mining\ttest\tNorth pit\nTest Mining\ttest\tSouth pit\n'
    expect(await run()).toEqual({ stdout: listed, stderr: '' })
    expect(world.api.statuses).toEqual([401, 200, 200])
    await world.restart()
    expect(await run()).toEqual({ stdout: listed, stderr: '' })
  })

  it('can be required as well', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['-e', "console.log(Object.keys(require('evo-token-sidecar/client')).sort().join())"],
      { cwd: project, encoding: 'utf8' },
    )
    expect(stdout, stderr).toBe('EvoTokenError,TokenClient,authorizedFetch,getToken\n')
  })
})
