/**
 * `doctor`: finds out why there is no token, from the config up to Evo itself. Its output can be made
 * public: no token, key, client id or e-mail address, and no name of an instance or workspace without `--names`.
 */
import { styleText } from 'node:util'
import { loadConfig } from '../../adapters/config/config-file.ts'
import type { createIssuerFetch } from '../../adapters/server/issuer-fetch.ts'
import { scrub } from '../../adapters/log/scrub.ts'
import type { Config } from '../../config/config.ts'
import { EVO_ISSUER } from '../../config/evo.ts'
import type { App } from '../../core/app.ts'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import { refuseUnsafeEnvironment } from '../../daemon/environment.ts'
import { locations, ownership } from '../../platform/chosen.ts'
import { SidecarError } from '../../errors.ts'
import { findNearest } from '../../nearest.ts'
import { createClient } from '../../client/connection.ts'
import { findDaemonPlaces } from '../../client/daemon-address.ts'
import type { Invocation } from '../command.ts'
import { fold } from '../fold.ts'
import type { Io } from '../io.ts'
import { plain } from '../plain.ts'
import { appChecks, type TokenSlot } from './app-checks.ts'
import { evoChecks, safeBase } from './evo-checks.ts'
import { daemonChecks, daemonProblemCheck } from './daemon-checks.ts'
import { fileChecks } from './file-checks.ts'
import { homeChecks } from './home-checks.ts'
import { issuerChecks, issuerUrl } from './issuer-checks.ts'
import { proxyCheck } from './proxy-check.ts'
import { shareChecks } from './share-checks.ts'
import { runChecks, type Check, type CheckResult } from './checks.ts'

const EVO_DISCOVERY_URL = 'https://discover.api.seequent.com'

const E_MAIL = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g

export async function run(invocation: Invocation): Promise<number> {
  const { argument, flag, io, text } = invocation
  // It sends a token to Evo: an unsafe environment could send it elsewhere.
  refuseUnsafeEnvironment(io.env, process.execArgv)
  const home = locations.homeOf(io.env)
  const client = createClient(invocation.place)
  const givenUrl = text('discovery-url') ?? (io.env.EVO_DISCOVERY_URL || undefined)
  const discoveryUrl = safeBase(givenUrl ?? EVO_DISCOVERY_URL)
  const verdicts: CheckResult[] = []
  const say = (verdict: CheckResult) => {
    const shown = {
      ...verdict,
      detail: safe(verdict.detail),
      hint: verdict.hint && safe(verdict.hint),
    }
    verdicts.push(shown)
    if (flag('json-lines')) io.stdout.write(`${JSON.stringify(withoutExitCode(shown))}\n`)
    else if (!flag('json'))
      io.stdout.write(formatCheck(shown, io.stdout, io.stdout.isTTY && !io.env.NO_COLOR))
  }
  const safe = (words: string) =>
    withoutClientIds(plain(scrub(words)), config)
      .replaceAll(home.length > 1 ? home : '~', '~')
      .replace(E_MAIL, '[e-mail]')

  let config: Config | undefined
  const problems: DaemonProblem[] = []
  const noteProblems = (found: readonly DaemonProblem[]) => {
    for (const one of found)
      if (!problems.some(({ error }) => error === one.error)) problems.push(one)
  }
  let issuers: ReturnType<typeof createIssuerFetch> | undefined
  const places = findDaemonPlaces(invocation.place)
  const uid = ownership.userId()
  const configPath = locations.configPath(text('config'), io.env, home)
  const shared: Check[] = [
    {
      id: 'config',
      async run() {
        const loaded = await loadConfig(configPath, { home })
        const { apps } = (config = loaded.config)
        const name = argument('APP')
        if (name && !apps.some((app) => app.name === name)) {
          const nearest = findNearest(
            name,
            apps.map((app) => app.name),
          )
          const instead = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
          throw new SidecarError('unknown_app', `The config has no app named "${name}".${instead}`)
        }
        return `${apps.length} ${apps.length === 1 ? 'app' : 'apps'}, ${warningsIn(loaded)}`
      },
    },
    ...homeChecks(places, uid, () => config?.vaultKey ?? 'auto', noteProblems),
    ...daemonChecks({ client, places, uid, env: io.env }, noteProblems),
  ]
  const proxy = () =>
    proxyCheck({ env: io.env, ca: config?.ca }, (found) => {
      issuers = found
    })
  if (
    (await runChecks(shared, null, say)) &&
    config &&
    (await runChecks([proxy()], null, say)) &&
    issuers
  ) {
    const { fetch } = issuers
    const apps = config.apps.filter(({ name }) => !argument('APP') || name === argument('APP'))
    for (const [app, ...others] of byIssuer(apps)) {
      const world = { fetch, env: io.env, now: Date.now }
      // All apps of an issuer need the same checks.
      const shows = others.length > 0 ? null : app.name
      if (!(await runChecks(issuerChecks(app, world), shows, say))) continue
      for (const one of [app, ...others]) {
        const slot: TokenSlot = {}
        const evo = { app: one.name, discoveryUrl, slot, fetch, names: flag('names') }
        const checks = [
          ...appChecks(one, { client, slot, ownPort: config.listen.port }),
          ...(usesEvo(one, givenUrl !== undefined) ? evoChecks(evo) : []),
        ]
        await runChecks(checks, one.name, say)
      }
    }
  }
  issuers?.close()
  if (config?.share) await runChecks(shareChecks(client, config), null, say)
  // One run each: they do not depend on one another.
  for (const problem of problems) await runChecks([daemonProblemCheck(problem)], null, say)
  // They need only the config, and no token depends on them.
  const ownPlaces = { stateDir: places.stateDir, config: configPath }
  for (const [app, checks] of fileChecks(config?.files ?? [], ownPlaces)) {
    if (!argument('APP') || app === argument('APP')) await runChecks(checks, app, say)
  }
  const failed = verdicts.find(({ ok }) => !ok)
  if (flag('json')) {
    const checks = verdicts.map(withoutExitCode)
    io.stdout.write(`${JSON.stringify({ ok: !failed, checks })}\n`)
  }
  return failed?.exitCode ?? 0
}

function warningsIn({ warnings: { length } }: { readonly warnings: readonly unknown[] }): string {
  if (length === 0) return 'no warnings'
  return `${length} ${length === 1 ? 'warning' : 'warnings'} (\`evo-token config check\` shows them)`
}

function withoutExitCode({ exitCode: _, ...shown }: CheckResult): Omit<CheckResult, 'exitCode'> {
  return shown
}

/** Groups apps of the same authorization server. */
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

/** How much of a client id is shown. */
const SHOWN_OF_ID = 4

/** A server may quote the client id that it refuses. Client ids of four characters or fewer are not hidden. */
function withoutClientIds(words: string, config: Config | undefined): string {
  const ids = config?.apps.map(({ clientId }) => clientId) ?? []
  return ids
    .filter((id) => id.length > SHOWN_OF_ID)
    .reduce((text, id) => text.replaceAll(id, `${id.slice(0, SHOWN_OF_ID)}…`), words)
}

/** Evo takes only tokens of its own issuer, unless the address of another Evo is given. */
function usesEvo({ scopes, issuer }: App, isAddressGiven: boolean): boolean {
  return scopes.includes('evo.discovery') && (isAddressGiven || issuer === EVO_ISSUER)
}

function formatCheck(
  { id, app, ok, detail, hint }: CheckResult,
  stdout: Io['stdout'],
  colour: boolean,
) {
  const word = ok ? 'ok  ' : 'FAIL'
  const advice = hint === null ? '' : `      ${hint}\n`
  const text = fold(`${word}  ${app === null ? '' : `${app}: `}${id}: ${detail}\n${advice}`, stdout)
  return colour
    ? styleText(ok ? 'green' : 'red', word, { validateStream: false }) + text.slice(word.length)
    : text
}
