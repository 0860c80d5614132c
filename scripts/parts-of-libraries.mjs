/** For the bundler: two libraries without what we do not use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources.mjs'

const ID = '\0parts-of-undici'

const PARTS = {
  buildConnector: 'core/connect',
  Client: 'dispatcher/client',
  Dispatcher: 'dispatcher/dispatcher',
  EnvHttpProxyAgent: 'dispatcher/env-http-proxy-agent',
  Socks5ProxyAgent: 'dispatcher/socks5-proxy-agent',
}

/** All of undici would take a tenth of the daemon's memory, and load Node's own, which takes as much again. */
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
      // As undici's index does: requests through a proxy use one of these methods.
      `import Dispatcher from '${fileOf('dispatcher/dispatcher')}'`,
      `import api from '${fileOf('api/index')}'`,
      'Object.assign(Dispatcher.prototype, api)',
    ].join('\n')
  },
}

function fileOf(path) {
  return join(root, 'node_modules/undici/lib', `${path}.js`).replaceAll('\\', '/')
}

/** Types of what express may be asked to answer with; the whole list has 2,500. */
const TYPES = ['application/json', 'text/css', 'text/html', 'text/javascript', 'text/plain']

/**
 * What nothing here asks of express would be more than half of the daemon's text. Bodies are read by
 * `src/http/request.ts`, and not by body-parser, which brings the tables of every encoding.
 */
export const partsOfExpress = {
  name: 'parts-of-express',
  load: {
    filter: { id: /[/\\]node_modules[/\\](?:body-parser[/\\]index\.js|mime-db[/\\]db\.json)$/ },
    handler(id) {
      if (id.endsWith('index.js')) return 'module.exports = {}'
      const db = JSON.parse(readFileSync(id, 'utf8'))
      return JSON.stringify(Object.fromEntries(TYPES.map((type) => [type, db[type]])))
    },
  },
}
