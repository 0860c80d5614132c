/**
 * For the bundler: the parts of undici that we use. All of it would take a tenth of the daemon's memory, and
 * load the undici that Node itself has, which takes as much again.
 */
import { join } from 'node:path'
import { root } from './sources.mjs'

const ID = '\0parts-of-undici'

const PARTS = {
  buildConnector: 'core/connect',
  Client: 'dispatcher/client',
  EnvHttpProxyAgent: 'dispatcher/env-http-proxy-agent',
}

export const partsOfUndici = {
  name: 'parts-of-undici',
  resolveId: (source) => (source === 'undici' ? ID : undefined),
  load(id) {
    if (id !== ID) return undefined
    const parts = Object.entries(PARTS).map(
      ([name, path]) => `export { default as ${name} } from '${fileOf(path)}'`,
    )
    return [
      ...parts,
      `export { fetch } from '${fileOf('web/fetch/index')}'`,
      // As its index does: a proxy is connected through with one of these.
      `import Dispatcher from '${fileOf('dispatcher/dispatcher')}'`,
      `import api from '${fileOf('api/index')}'`,
      'Object.assign(Dispatcher.prototype, api)',
    ].join('\n')
  },
}

function fileOf(path) {
  return join(root, 'node_modules/undici/lib', `${path}.js`).replaceAll('\\', '/')
}
