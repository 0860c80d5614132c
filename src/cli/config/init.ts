/** `init`: adds an app to the config, or writes a new one, from options or answers; prints what to run next. */
import { resolve } from 'node:path'
import { faultLines, readConfig } from '../../adapters/config/config-file.ts'
import { writeConfig } from '../../adapters/config/config-writer.ts'
import { usualScopes } from '../../config/evo.ts'
import { evoMcpFile } from '../../config/evo-mcp.ts'
import { toPath } from '../../config/values.ts'
import { locations } from '../../platform/chosen.ts'
import { SidecarError } from '../../errors.ts'
import type { Invocation } from '../command.ts'
import { splitWords, withoutBlanks } from './init-answers.ts'
import { type InitAnswers, planInit, readTarget, type Target } from './init-plan.ts'
import { writeSchema } from './init-schema.ts'
import type { InitOptions } from './init-questions.ts'
import { findEvoMcpCheckout, isEvoMcpCheckout, makeCacheDirectory } from './evo-mcp-checkout.ts'
import { isPromptLeft } from '../prompts.ts'
import { usageFault } from '../usage.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const evoMcp = evoMcpCheckout(invocation)
  const answers = flag('yes')
    ? { ...fromOptions(invocation), evoMcp }
    : await askPerson(invocation, evoMcp)
  // Read again: the config may have changed while a person answered.
  const target = await readCurrent(invocation)
  const { path, before } = target
  const { text, warnings, nextCommands } = planInit(answers, target)
  await writeConfig(path, text, before)
  if (before === undefined) await writeSchema(path)
  const { name, evoMcp: checkout } = answers
  if (checkout !== undefined) makeCacheDirectory(evoMcpFile(name, checkout).path)

  if (warnings.length > 0) io.stderr.write(`${faultLines(`warning: ${path}`, warnings)}\n`)
  io.stderr.write(
    before === undefined
      ? `Wrote ${path}. Next:\n`
      : `Added "${name}" to ${path}. Next (if the daemon runs already, \`evo-token reload\` in place of \`serve\`):\n`,
  )
  io.stdout.write(nextCommands.map((command) => `${command}\n`).join(''))
  return 0
}

/** @throws {SidecarError} `invalid_request` where that is no checkout of evo-mcp. */
function evoMcpCheckout({ command, text, io }: Invocation): string | undefined {
  const given = text('evo-mcp')
  if (given === undefined) return undefined
  const directory = resolve(toPath(given, locations.homeOf(io.env)))
  if (isEvoMcpCheckout(directory)) return directory
  throw usageFault(command, 'needs the directory of a checkout of evo-mcp for --evo-mcp')
}

async function readCurrent({ text, flag, io }: Invocation): Promise<Target> {
  const home = locations.homeOf(io.env)
  const path = locations.configPath(text('config'), io.env, home)
  return {
    path,
    before: await readConfig(path),
    force: flag('force'),
    named: path !== locations.configPath(undefined, io.env, home),
  }
}

function readOptions({ text, texts }: Invocation): InitOptions {
  const some = (list: readonly string[]) => (list.length > 0 ? list : undefined)
  const value = (option: string) => {
    const given = text(option)
    return given === undefined ? undefined : withoutBlanks(given)
  }
  return {
    type: text('type'),
    name: value('name'),
    clientId: value('client-id'),
    scopes: some(texts('scope').flatMap(scopesIn)),
    redirectUris: some(texts('redirect-uri').map(withoutBlanks)),
    issuer: value('issuer'),
    vaultKey: text('vault-key'),
    reissue: value('reissue'),
  }
}

/** An empty option, as an empty variable leaves it, gives an empty scope, which is refused, not the usual scopes. */
function scopesIn(text: string): string[] {
  const scopes = splitWords(text)
  return scopes.length > 0 ? scopes : ['']
}

async function askPerson(invocation: Invocation, evoMcp: string | undefined): Promise<InitAnswers> {
  const { command, io } = invocation
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw usageFault(command, 'has no terminal to ask on: give the options, and --yes')
  }
  const given = readOptions(invocation)
  const target = await readCurrent(invocation)
  const current = readTarget(target, given.name)
  const names = current?.names ?? []
  const found = findEvoMcpCheckout(locations.homeOf(io.env), process.cwd())
  const { askInit } = await import('./init-questions.ts')
  try {
    return await askInit({ ...given, evoMcp }, { names, force: target.force, evoMcp: found }, io)
  } catch (error) {
    if (!isPromptLeft(error)) throw error
    throw new SidecarError('failed', 'Nothing was written.')
  }
}

function fromOptions(invocation: Invocation): InitAnswers {
  const given = readOptions(invocation)
  const { type, name, clientId, redirectUris, issuer, vaultKey, reissue } = given
  const needed = { '--type': type, '--name': name, '--client-id': clientId }
  const missing = Object.entries(needed).flatMap(([option, value]) => (value ? [] : [option]))
  if ((type === 'spa' || type === 'web') && !redirectUris) missing.push('--redirect-uri')
  if (!type || !name || !clientId || missing.length > 0) {
    throw usageFault(invocation.command, `asks nothing with --yes, and needs ${missing.join(', ')}`)
  }
  const scopes = given.scopes ?? usualScopes(type)
  return { name, app: { type, clientId, issuer, redirectUris, scopes, reissue }, vaultKey }
}
