// The same list in JavaScript, with `fetch` alone.
//
//     npm install build/packages/evo-token-sidecar-0.1.0.tgz
//     node examples/authorized_fetch.mjs evo-me
//
// `authorizedFetch` puts a fresh token on each request, and tries once more where one was refused.
import { authorizedFetch } from 'evo-token-sidecar/client'

const DISCOVERY_URL = process.env.EVO_DISCOVERY_URL ?? 'https://discover.api.seequent.com'
const evo = authorizedFetch(process.argv[2] ?? process.env.EVO_TOKEN_APP ?? 'evo-me')

async function get(url) {
  const answer = await evo(url)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
  return answer.json()
}

const { discovery } = await get(`${DISCOVERY_URL}/evo/identity/v2/discovery?service=evo`)
for (const { hub_code: code, org_id: organization } of discovery.service_access) {
  const hub = discovery.hubs.find((one) => one.code === code)
  const { display_name: name } = discovery.organizations.find(({ id }) => id === organization)
  const workspaces = `${hub.url.replace(/\/$/, '')}/workspace/orgs/${organization}/workspaces`
  const { results } = await get(`${workspaces}?limit=100&offset=0`)
  for (const workspace of results) console.log([name, code, workspace.name].join('\t'))
}
