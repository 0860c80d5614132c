/** Warns of, or refuses, a program that will not stay where it is. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import type { Program } from '../../platform/service-manager.ts'

/** Caches of `npx`, `pnpm dlx`, `yarn dlx`, `bunx`, `uvx`, `pipx run` and `pixi exec`, and what a logout empties. */
const FOR_ONE_RUN =
  /\/_npx\/|\/dlx(-\w+)?\/|\/bunx-|\/uv\/(cache\/)?(archive|environments|builds)-v\d+\/|\/(\.cache\/pipx|pipx\/\.cache)\/|\/cached-envs-v\d+\/|^\/run\/user\//

/** Directories that hold one version: of Node's version managers, Homebrew, snap and Nix. */
const VERSIONED_DIRECTORY = new RegExp(
  `/(?:${[
    ...['\\.?nvm/versions', 'nvm/v\\d[^/]*', '\\.nvs/node', 'fnm/node-versions', '\\.?n/versions'],
    ...['\\.?nodenv/versions', '\\.?asdf/installs', '(?:mise|rtx)/installs', '\\.proto/tools'],
    ...['\\.volta/tools', '\\.nodebrew/node', 'Cellar', 'snap/[^/]+/\\d+', 'nix/store'],
  ].join('|')})/`,
)

/** @throws {SidecarError} `failed` where the program is in a cache. */
export function refuseFleeting({ node, main }: Program): void {
  const path = [main, node].find((one) => FOR_ONE_RUN.test(withSlashes(one)))
  if (path === undefined) return
  throw new SidecarError('failed', `The program is in a cache that is emptied: ${path}.`, {
    hint: 'Install it (`npm install --global`, or `pip install` into an environment that stays), and run `evo-token service install` of that one.',
  })
}

/** Notes for a person about a place that may be replaced one day. */
export function placeNotes({ node, main }: Program): string[] {
  const again = 'run `evo-token service install` again after that'
  const versioned = [node, main].find((path) => VERSIONED_DIRECTORY.test(withSlashes(path)))
  if (versioned !== undefined) {
    return [
      `The service runs ${versioned}, of one version of Node: where you remove that version, ${again}.`,
    ]
  }
  const environment = [node, main].map(virtualEnvironmentOf).find((path) => path !== undefined)
  if (environment !== undefined) {
    return [
      `The service runs from the virtual environment ${environment}: where you make that anew, ${again}.`,
    ]
  }
  const project = projectOf(main)
  if (project !== undefined) {
    return [
      `The service runs from the packages of ${project}: where you install those anew, ${again}.`,
    ]
  }
  return []
}

/** The Python (PEP 405) or conda environment that contains `path`. */
function virtualEnvironmentOf(path: string): string | undefined {
  return ancestorsOf(path).find((directory) =>
    ['pyvenv.cfg', 'conda-meta'].some((mark) => existsSync(join(directory, mark))),
  )
}

/** With slashes, as the patterns expect, also on Windows. */
function withSlashes(path: string): string {
  return path.replaceAll('\\', '/')
}

/** The project in whose `node_modules` the file is; undefined for a global prefix. */
function projectOf(path: string): string | undefined {
  const found = path.lastIndexOf('/node_modules/')
  const directory = path.slice(0, Math.max(found, 0))
  return found > 0 && existsSync(join(directory, 'package.json')) ? directory : undefined
}

function ancestorsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...ancestorsOf(parent)]
}
