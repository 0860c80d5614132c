/**
 * `doctor`: why no token comes, from the config up to Evo itself. What it prints can be pasted in
 * public: no token, key, client id, address of a person or, but for `--names`, name of what is theirs.
 */
import { styleText } from 'node:util'
import { loadConfig } from '../../adapters/config-file.ts'
import type { createIssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { scrub } from '../../adapters/log/scrub.ts'
import type { Config } from '../../config.ts'
import type { App } from '../../core/app.ts'
import { refuseUnsafeEnvironment } from '../../daemon/environment.ts'
import { locations, ownership } from '../../platform/chosen.ts'
import { SidecarError } from '../../errors.ts'
import { createClient, placesOf } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { appRungs, type Held } from './app-rungs.ts'
import { evoRungs, safeBase } from './evo-rungs.ts'
import { daemonRungs } from './daemon-rungs.ts'
import { fileRungs } from './file-rungs.ts'
import { homeRungs } from './home-rungs.ts'
import { issuerRungs, issuerUrl } from './issuer-rungs.ts'
import { proxyRung } from './proxy-rung.ts'
import { climb, type Rung, type Verdict } from './ladder.ts'

const EVO_DISCOVERY_URL = 'https://discover.api.seequent.com'

const E_MAIL = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g

export async function run(invocation: Invocation): Promise<number> {
  const { argument, flag, io, text } = invocation
  // It shows a token to Evo: to nobody who only poses as Evo.
  refuseUnsafeEnvironment(io.env, process.execArgv)
  const home = locations.homeOf(io.env)
  const client = createClient(invocation.place)
  const discoveryUrl = safeBase(
    text('discovery-url') ?? (io.env.EVO_DISCOVERY_URL || EVO_DISCOVERY_URL),
  )
  const verdicts: Verdict[] = []
  const say = (verdict: Verdict) => {
    const shown = {
      ...verdict,
      detail: safe(verdict.detail),
      hint: verdict.hint && safe(verdict.hint),
    }
    verdicts.push(shown)
    if (!flag('json')) io.stdout.write(lines(shown, io.stdout.isTTY && !io.env.NO_COLOR))
  }
  const safe = (words: string) =>
    withoutClientIds(plain(scrub(words)), config)
      .replaceAll(home.length > 1 ? home : '~', '~')
      .replace(E_MAIL, '[e-mail]')

  let config: Config | undefined
  let issuers: ReturnType<typeof createIssuerFetch> | undefined
  const places = placesOf(invocation.place)
  const uid = ownership.userId()
  const shared: Rung[] = [
    {
      id: 'config',
      async check() {
        const loaded = await loadConfig(locations.configPath(text('config'), io.env, home), {
          home,
        })
        const { apps } = (config = loaded.config)
        const name = argument('APP')
        if (name && !apps.some((app) => app.name === name)) {
          throw new SidecarError('unknown_app', `The config has no app named "${name}".`)
        }
        return `${apps.length} ${apps.length === 1 ? 'app' : 'apps'}, ${loaded.warnings.length} warnings`
      },
    },
    ...homeRungs(places, uid),
    ...daemonRungs(client, places, uid),
  ]
  const proxy = () =>
    proxyRung({ env: io.env, ca: config?.ca }, (found) => {
      issuers = found
    })
  if (
    (await climb(shared, null, say)) &&
    config &&
    (await climb([proxy()], null, say)) &&
    issuers
  ) {
    const { fetch } = issuers
    const apps = config.apps.filter(({ name }) => !argument('APP') || name === argument('APP'))
    for (const [app, ...others] of byIssuer(apps)) {
      const world = { fetch, env: io.env, now: Date.now }
      // All apps of an issuer stand on the same rungs.
      const shows = others.length > 0 ? null : app.name
      if (!(await climb(issuerRungs(app, world), shows, say))) continue
      for (const one of [app, ...others]) {
        const held: Held = {}
        const evo = { app: one.name, discoveryUrl, held, fetch, names: flag('names') }
        const rungs = [...appRungs(one, client, held), ...(usesEvo(one) ? evoRungs(evo) : [])]
        await climb(rungs, one.name, say)
      }
    }
  }
  issuers?.close()
  // They stand on nothing but the config, and no token waits for them.
  for (const [app, rungs] of fileRungs(config?.files ?? [])) {
    if (!argument('APP') || app === argument('APP')) await climb(rungs, app, say)
  }
  const failed = verdicts.find(({ ok }) => !ok)
  if (flag('json')) {
    const rungs = verdicts.map(({ exitCode: _, ...shown }) => shown)
    io.stdout.write(`${JSON.stringify({ ok: !failed, rungs })}\n`)
  }
  return failed?.exitCode ?? 0
}

/** Apps that are served by the same server, together. */
function byIssuer(apps: readonly App[]): readonly (readonly [App, ...App[]])[] {
  const groups = new Map<string, [App, ...App[]]>()
  for (const app of apps) {
    const key = `${issuerUrl(app).href} ${app.issuer}`
    const group = groups.get(key)
    if (group) group.push(app)
    else groups.set(key, [app])
  }
  return [...groups.values()]
}

/** A server may quote the client id that it refuses. */
function withoutClientIds(words: string, config: Config | undefined): string {
  const ids = config?.apps.map(({ clientId }) => clientId) ?? []
  return ids.reduce((text, id) => text.replaceAll(id, `${id.slice(0, 4)}…`), words)
}

function usesEvo({ scopes }: App): boolean {
  return scopes.includes('evo.discovery')
}

function lines({ id, app, ok, detail, hint }: Verdict, colour: boolean): string {
  const word = ok ? 'ok  ' : 'FAIL'
  const format = ok ? 'green' : 'red'
  const mark = colour ? styleText(format, word, { validateStream: false }) : word
  const mend = hint === null ? '' : `      ${hint}\n`
  return `${mark}  ${app === null ? '' : `${app}: `}${id}: ${detail}\n${mend}`
}
