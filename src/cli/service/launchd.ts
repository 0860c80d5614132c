/**
 * The launchd that runs a person's service on a Mac (launchctl(1)): how to ask it, and its file.
 * Nobody of us has run it on a Mac; the tests hold launchctl's side by its manual page.
 */
import { execFile } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findPlaces } from '../../adapters/state-paths.ts'
import { homeOf, uidOf } from '../../daemon/world.ts'
import { SidecarError } from '../../errors.ts'
import type { Invocation } from '../command.ts'
import { usageFault } from '../usage.ts'
import { isAgentAsWritten } from './property-list.ts'

/** How often to look, in milliseconds. */
export const LOOK_MS = 200

const GONE_WITHIN_MS = 60_000

export interface Agent {
  readonly path: string
  readonly log: string
  readonly stateDir: string
  readonly socket: string
  /** As `launchctl` names the person's session, and the agent in it. */
  readonly domain: string
  readonly target: string
  /** launchctl. @throws {SidecarError} `failed` with what it said. */
  run(...args: readonly string[]): Promise<string>
}

export function agentOf({ command, flag, io, text }: Invocation): Agent {
  if (flag('system')) {
    throw usageFault(command, 'takes --system with systemd only: on a Mac the service is yours')
  }
  if (text('group') !== undefined) throw usageFault(command, 'takes --group with --system only')
  const home = homeOf(io.env)
  const stateDir = io.env.EVO_TOKEN_STATE_DIR || undefined
  // What the agent will find: launchd gives it nothing of this shell's environment.
  const places = findPlaces({ env: {}, home, flags: { stateDir } })
  const domain = `gui/${uidOf()}`
  return {
    path: join(home, 'Library/LaunchAgents/evo-token.plist'),
    log: join(home, 'Library/Logs/evo-token.log'),
    stateDir: places.stateDir,
    socket: places.socket,
    domain,
    target: `${domain}/evo-token`,
    run: async (...args) => {
      try {
        return (await promisify(execFile)('launchctl', args, { env: io.env })).stdout
      } catch (cause) {
        const { stderr } = cause as { stderr?: string }
        if (stderr === undefined) throw cause
        throw new SidecarError(
          'failed',
          `\`launchctl ${args.join(' ')}\` fails: ${stderr.trim()}`,
          {
            hint: 'Run it in a session on the Mac itself, as the person whose service it is.',
            cause,
          },
        )
      }
    },
  }
}

export function installedAgent({ path }: Agent): {
  text: string | undefined
  changedByHand: boolean
} {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return { text: undefined, changedByHand: false }
  // A link is somebody's own arrangement.
  if (!stats.isFile()) return { text: '', changedByHand: true }
  const text = readFileSync(path, 'utf8')
  return { text, changedByHand: !isAgentAsWritten(text) }
}

/** Of `launchctl print`: its first level, `state = running`; undefined where the agent is not loaded. */
export async function stateOf(agent: Agent): Promise<Record<string, string> | undefined> {
  const printed = await agent.run('print', agent.target).catch(() => undefined)
  if (printed === undefined) return undefined
  const found = printed.matchAll(/^\t(state|pid|runs|last exit code) = (.*)$/gm)
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]))
}

/** Ends it, and waits until it is gone: `bootstrap` refuses one that is still ending. */
export async function unload(agent: Agent): Promise<void> {
  await agent.run('bootout', agent.target)
  const deadline = performance.now() + GONE_WITHIN_MS
  while ((await stateOf(agent)) && performance.now() < deadline) await sleep(LOOK_MS)
}

export function agentChangedByHand(path: string): SidecarError {
  return new SidecarError('failed', `${path} is not as evo-token wrote it: a person changed it.`, {
    hint: 'Keep a copy of your changes, then give --force, which discards what stands there.',
  })
}
