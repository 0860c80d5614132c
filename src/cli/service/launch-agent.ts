/** The service on a Mac: a LaunchAgent of the person (launchd.plist(5)). */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { configPath, loadConfig } from '../../adapters/config-file.ts'
import { homeOf } from '../../daemon/world.ts'
import { SidecarError } from '../../errors.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import {
  type Agent,
  agentChangedByHand,
  agentOf,
  installedAgent,
  LOOK_MS,
  stateOf,
  unload,
} from './launchd.ts'
import { readTemplate, thisProgram } from './program.ts'
import { fillAgent } from './property-list.ts'
import { removeState, requireOurs } from './state-removal.ts'
import { inWords, readiness } from './waiting.ts'

const WITHIN_MS = 60_000
const LOG_LINES = 10

/** The exit code of a daemon that is not reachable. */
const NOT_REACHABLE = 4

export async function install(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const agent = agentOf(invocation)
  const text = await filledAgent(invocation, agent)
  const before = installedAgent(agent)
  const differs = before.text !== text
  if (flag('dry-run')) {
    if (differs) io.stdout.write(`# ${agent.path}\n${text}\n`)
    io.stdout.write(
      commandsOf(agent)
        .map((args) => `launchctl ${args.join(' ')}\n`)
        .join(''),
    )
    return 0
  }
  const state = await stateOf(agent)
  if (!differs && state?.state === 'running') {
    io.stderr.write('The service is installed and runs: nothing to do.\n')
    return 0
  }
  if (differs && before.changedByHand && !flag('force')) throw agentChangedByHand(agent.path)
  for (const directory of [dirname(agent.path), dirname(agent.log)]) {
    mkdirSync(directory, { recursive: true })
  }
  writeFileSync(`${agent.path}.new`, text, { mode: 0o644 })
  renameSync(`${agent.path}.new`, agent.path)
  io.stderr.write(`Wrote ${agent.path}.\n`)
  if (state) await unload(agent)
  for (const args of commandsOf(agent)) await agent.run(...args)
  io.stderr.write(await waitUntilServing(agent))
  io.stderr.write(`Its log: tail -f ${agent.log}\n`)
  return 0
}

export async function uninstall(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const agent = agentOf(invocation)
  const { text, changedByHand: changed } = installedAgent(agent)
  const purge = flag('purge')
  if (purge) requireOurs(agent.stateDir)
  if (text === undefined && !purge) {
    io.stderr.write('No service is installed: nothing to do.\n')
    return 0
  }
  if (changed && !flag('force')) throw agentChangedByHand(agent.path)
  if (await stateOf(agent)) await unload(agent)
  if (text !== undefined) {
    rmSync(agent.path)
    io.stderr.write(`Removed ${agent.path}.\n`)
  }
  removeState(agent.stateDir, purge, io)
  return 0
}

export async function status(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const agent = agentOf(invocation)
  const unit = (await stateOf(agent)) ?? { state: 'not loaded' }
  const { text, changedByHand: changed } = installedAgent(agent)
  const state = text === undefined ? 'absent' : changed ? 'changed by hand' : 'as written'
  const apps = unit.state === 'running' ? await readiness(agent.socket) : undefined
  if (flag('json')) {
    const daemon = { reachable: apps !== undefined, apps: apps ?? null }
    io.stdout.write(`${JSON.stringify({ unit, files: [{ path: agent.path, state }], daemon })}\n`)
  } else {
    for (const [name, value] of Object.entries(unit)) {
      io.stdout.write(`${`${name}:`.padEnd(22)} ${plain(value)}\n`)
    }
    io.stdout.write(`${agent.path}: ${state}\n`)
    io.stdout.write(apps ? inWords(apps) : 'The daemon does not answer.\n')
  }
  return apps ? 0 : NOT_REACHABLE
}

/** What loads and starts it; `enable` undoes a `disable` that somebody typed. */
function commandsOf({ domain, target, path }: Agent): readonly (readonly string[])[] {
  return [
    ['enable', target],
    ['bootstrap', domain, path],
  ]
}

async function filledAgent({ text, io }: Invocation, { log }: Agent): Promise<string> {
  const home = homeOf(io.env)
  const usual = join(home, '.config/evo-token/config.json')
  const path = configPath(text('config'), io.env, home)
  await loadConfig(path)
  const stateDir = io.env.EVO_TOKEN_STATE_DIR
  const { node, main, digest } = thisProgram()
  return fillAgent(readTemplate('launchd/evo-token.plist'), {
    command: [
      ...[node, main, 'serve'],
      ...(path === usual ? [] : ['--config', path]),
      ...(stateDir ? ['--state-dir', resolve(stateDir)] : []),
    ],
    log,
    program: digest,
  })
}

/** @throws {SidecarError} `failed` with the last lines of the log. */
async function waitUntilServing(agent: Agent): Promise<string> {
  const deadline = performance.now() + WITHIN_MS
  while (performance.now() < deadline) {
    const apps = await readiness(agent.socket)
    if (apps) return inWords(apps)
    const state = await stateOf(agent)
    const exit = state?.['last exit code'] ?? '(never exited)'
    if (state?.state !== 'running' && exit !== '0' && /^\d/.test(exit)) break
    await sleep(LOOK_MS)
  }
  const said = existsSync(agent.log) ? lastLines(readFileSync(agent.log, 'utf8')) : ''
  throw new SidecarError('failed', `The service does not serve.${said && ` It said:\n${said}`}`, {
    hint: `See ${agent.log}.`,
  })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-LOG_LINES).join('\n')
}
