/** For the bundler: libraries without what we do not use. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources.mjs'

/** All of undici would take a tenth of the daemon's memory, and load Node's own, which takes as much again. */
export const partsOfUndici = partsOf('undici', (fileOf) => [
  `export { default as buildConnector } from '${fileOf('core/connect')}'`,
  `export { default as Client } from '${fileOf('dispatcher/client')}'`,
  `export { default as Dispatcher } from '${fileOf('dispatcher/dispatcher')}'`,
  `export { default as EnvHttpProxyAgent } from '${fileOf('dispatcher/env-http-proxy-agent')}'`,
  `export { default as Socks5ProxyAgent } from '${fileOf('dispatcher/socks5-proxy-agent')}'`,
  `export { fetch } from '${fileOf('web/fetch/index')}'`,
  // As undici's index does: requests through a proxy use one of these methods.
  `import Dispatcher from '${fileOf('dispatcher/dispatcher')}'`,
  `import api from '${fileOf('api/index')}'`,
  'Object.assign(Dispatcher.prototype, api)',
])

/** All of prom-client would delay the daemon's start by 10 ms, which its metrics of a process and a cluster take. */
export const partsOfPromClient = partsOf('prom-client', (fileOf) => [
  `export { default as Counter } from '${fileOf('counter')}'`,
  `export { default as Gauge } from '${fileOf('gauge')}'`,
  `export { default as Registry } from '${fileOf('registry')}'`,
])

/** `write` gives the lines of a module that takes the place of the library. */
function partsOf(library, write) {
  const id = `\0parts-of-${library}`
  const fileOf = (path) =>
    join(root, 'node_modules', library, 'lib', `${path}.js`).replaceAll('\\', '/')
  return {
    name: `parts-of-${library}`,
    resolveId: (source) => (source === library ? id : undefined),
    load: (asked) => (asked === id ? write(fileOf).join('\n') : undefined),
  }
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
