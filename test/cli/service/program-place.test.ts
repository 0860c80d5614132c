/** What `service install` says of the place of the program that the service is to run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placeNotes, refuseFleeting } from '../../../src/cli/service/program-place.ts'

const NODE = '/usr/bin/node'
const program = (main: string, node = NODE) => ({ node, main, digest: '' })
const MAIN = 'evo-token-sidecar/dist/main.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-place-'))
})
afterAll(() => {
  rmSync(directory, { recursive: true })
})

describe('a program', () => {
  it.each([
    `/home/ada/.npm/_npx/1f2e3d/node_modules/${MAIN}`,
    `/home/ada/.cache/pnpm/dlx-1234/node_modules/${MAIN}`,
    `/home/ada/.cache/pnpm/dlx/ab12/node_modules/${MAIN}`,
    `/home/ada/.bun/bunx-1000-evo-token/node_modules/${MAIN}`,
    `/home/ada/.cache/uv/archive-v0/x1Y2/lib/python3.13/site-packages/evo_token_daemon/program/dist/main.js`,
    `/home/ada/.cache/pipx/0a1b2c/lib/python3.13/site-packages/evo_token_daemon/program/dist/main.js`,
    `C:\\Users\\ada\\AppData\\Local\\npm-cache\\_npx\\1f2e3d\\node_modules\\evo-token-sidecar\\dist\\main.js`,
    `C:\\Users\\ada\\AppData\\Local\\uv\\cache\\archive-v0\\x1Y2\\Lib\\site-packages\\evo_token_daemon\\program\\dist\\main.js`,
    `/home/ada/.cache/rattler/cache/cached-envs-v0/1a2b/lib/node_modules/${MAIN}`,
    `/run/user/1000/evo/node_modules/${MAIN}`,
  ])('in a cache for one run is refused: %s', (main) => {
    expect(() => {
      refuseFleeting(program(main))
    }).toThrow('is in a cache that is emptied')
  })

  it.each([
    '/home/ada/.nvm/versions/node/v22.1.0/bin/node',
    '/home/ada/.local/share/fnm/node-versions/v22.1.0/installation/bin/node',
    '/home/ada/.volta/tools/image/node/22.1.0/bin/node',
    '/home/ada/.asdf/installs/nodejs/22.1.0/bin/node',
    '/home/ada/.local/share/mise/installs/node/22/bin/node',
    '/usr/local/n/versions/node/22.1.0/bin/node',
    '/opt/homebrew/Cellar/node/22.1.0/bin/node',
    '/home/ada/.local/share/nvm/v22.1.0/bin/node',
    '/home/ada/.proto/tools/node/22.1.0/bin/node',
    '/snap/node/9876/bin/node',
    '/nix/store/abc123-nodejs-22.1.0/bin/node',
  ])('of one version of Node is noted: %s', (node) => {
    const main = `${node.replace(/bin\/node$/, '')}lib/node_modules/${MAIN}`
    expect(() => {
      refuseFleeting(program(main, node))
    }).not.toThrow()
    expect(placeNotes(program(main, node))).toEqual([
      expect.stringContaining('of one version of Node') as string,
    ])
  })

  it('in a virtual environment is noted', () => {
    const environment = join(directory, 'venv')
    mkdirSync(join(environment, 'lib'), { recursive: true })
    writeFileSync(join(environment, 'pyvenv.cfg'), '')
    const [note, ...others] = placeNotes(program(join(environment, 'lib/node_modules', MAIN)))
    expect(note).toContain(`the virtual environment ${environment}`)
    expect(others).toEqual([])
  })

  it('in an environment of conda is noted', () => {
    const environment = join(directory, 'conda')
    mkdirSync(join(environment, 'conda-meta'), { recursive: true })
    const [note] = placeNotes(program(join(environment, 'lib/node_modules', MAIN)))
    expect(note).toContain(`the virtual environment ${environment}`)
  })

  it('among the packages of a project is noted', () => {
    const project = join(directory, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{}')
    const [note, ...others] = placeNotes(program(join(project, 'node_modules', MAIN)))
    expect(note).toContain(`the packages of ${project}`)
    expect(others).toEqual([])
  })

  it.each([`/usr/local/lib/node_modules/${MAIN}`, `/home/ada/src/${MAIN}`, `/opt/evo/${MAIN}`])(
    'that stays is not: %s',
    (main) => {
      expect(placeNotes(program(main))).toEqual([])
    },
  )
})
