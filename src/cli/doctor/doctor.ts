/**
 * `doctor`: why no token comes, from the config up to Evo itself. What it prints can be pasted in
 * public: no token, key, client id, address of a person or name of what is theirs.
 */
import { styleText } from 'node:util'
import { configPath, loadConfig } from '../../adapters/config-file.ts'
import { createIssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { scrub } from '../../adapters/log/scrub.ts'
import type { Config } from '../../config.ts'
import type { App } from '../../core/app.ts'
import { refuseUnsafeEnvironment } from '../../daemon/environment.ts'
import { homeOf } from '../../daemon/world.ts'
import { SidecarError } from '../../errors.ts'
import { createClient } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { appRungs, type Held } from './app-rungs.ts'
import { evoRungs, safeBase } from './evo-rungs.ts'
import { issuerRungs } from './issuer-rungs.ts'
import { climb, type Rung, type Verdict } from './ladder.ts'

const EVO_DISCOVERY_URL = 'https://discover.api.seequent.com'

const E_MAIL = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g

export async function run(invocation: Invocation): Promise<number> {
  const { argument, flag, io, text } = invocation
  // It shows a token to Evo: to nobody who only poses as Evo.
  refuseUnsafeEnvironment(io.env, process.execArgv)
  const home = homeOf(io.env)
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
  const shared: Rung[] = [
    {
      id: 'config',
      async check() {
        const loaded = await loadConfig(configPath(text('config'), io.env, home), { home })
        const { apps } = (config = loaded.config)
        const name = argument('APP')
        if (name && !apps.some((app) => app.name === name)) {
          throw new SidecarError('unknown_app', `The config has no app named "${name}".`)
        }
        const { ca } = config
        issuers = createIssuerFetch({ env: io.env, ...(ca !== undefined && { ca }) })
        return `${apps.length} ${apps.length === 1 ? 'app' : 'apps'}, ${loaded.warnings.length} warnings`
      },
    },
    {
      id: 'daemon',
      async check() {
        await client.ask({ path: '/v1/apps' })
        return 'it answers'
      },
    },
  ]
  if ((await climb(shared, null, say)) && config && issuers) {
    const { apps } = config
    const world = { fetch: issuers.fetch, env: io.env, now: Date.now, client }
    for (const app of apps.filter(({ name }) => !argument('APP') || name === argument('APP'))) {
      const held: Held = {}
      const evo = { app: app.name, discoveryUrl, held, fetch: issuers.fetch }
      const rungs = [
        ...issuerRungs(app, world),
        ...appRungs(app, client, held),
        ...(usesEvo(app) ? evoRungs(evo) : []),
      ]
      await climb(rungs, app.name, say)
    }
  }
  await issuers?.close()
  const failed = verdicts.find(({ ok }) => !ok)
  if (flag('json')) {
    const rungs = verdicts.map(({ exitCode: _, ...shown }) => shown)
    io.stdout.write(`${JSON.stringify({ ok: !failed, rungs })}\n`)
  }
  return failed?.exitCode ?? 0
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
