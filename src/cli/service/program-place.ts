/** Whether the program that a service is to run will stay where it is. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import type { Program } from '../../platform/service-manager.ts'

/** Where `npx`, `pnpm dlx`, `yarn dlx` and `bunx` put a program for one run. */
const FOR_ONE_RUN = /\/_npx\/|\/dlx(-\w+)?\/|\/bunx-/

/** Version managers of Node have a directory for each version: of nvm, fnm, n, nodenv, asdf, mise, Volta, Homebrew. */
const VERSIONED =
  /\/(\.nvm\/versions|nvm\/versions|fnm\/node-versions|\.?n\/versions|\.?nodenv\/versions|\.?asdf\/installs|mise\/installs|\.volta\/tools|Cellar)\//

/** @throws {SidecarError} `failed` where it will be gone soon. */
export function refuseFleeting({ node, main }: Program): void {
  const path = [main, node].find((one) => FOR_ONE_RUN.test(one))
  if (path === undefined) return
  throw new SidecarError('failed', `The program is in a cache that is emptied: ${path}.`, {
    hint: 'Install it (`npm install --global`), and run `evo-token service install` of that one.',
  })
}

/** What a person should know of a place that may be replaced one day. */
export function placeNotes({ node, main }: Program): string[] {
  const again = 'run `evo-token service install` again after that'
  const versioned = [node, main].find((path) => VERSIONED.test(path))
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

/** The directory above that a tool of Python made as an environment (PEP 405). */
function virtualEnvironmentOf(path: string): string | undefined {
  return ancestors(path).find((directory) => existsSync(join(directory, 'pyvenv.cfg')))
}

/** The project in whose `node_modules` the file is; undefined for a global prefix, which is none. */
function projectOf(path: string): string | undefined {
  const found = path.lastIndexOf('/node_modules/')
  const directory = path.slice(0, Math.max(found, 0))
  return found > 0 && existsSync(join(directory, 'package.json')) ? directory : undefined
}

function ancestors(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...ancestors(parent)]
}
