/** Asks a running daemon what is wrong with an app by every way there is, and compares the words. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual, promisify } from 'node:util'
import { expect } from 'vitest'
import { EvoTokenError, TokenClient } from '../../src/client/index.ts'
import { ask } from '../faults/owner.ts'
import { type Home, type LogLine, runCli } from './daemon-process.ts'
import { until } from './until.ts'

export interface Words {
  readonly error: string
  readonly message: string
  readonly hint: string
}

interface BothWords {
  readonly owner: Words
  readonly callers: Words
}

interface ToldWords extends BothWords {
  /** Why the app is not ready. */
  readonly reason: string
  /** The exit code of `evo-token get`. */
  readonly exit: number
}

interface RunningDaemon {
  readonly home: Home
  readonly socket: string
  readonly url: string
  readonly log: readonly LogLine[]
}

type Json = Readonly<Record<string, unknown>>

/** What only a person can correct: the log has it, in the words for callers. */
const LOGGED: ReadonlySet<string> = new Set(['login_required', 'misconfigured'])

/**
 * Why there is no token: from everything that the owner can ask in the same words, and from everything
 * that callers can ask in theirs.
 *
 * @param options `python` asks the client for Python, too.
 */
export async function blockingWords(
  daemon: RunningDaemon,
  app: string,
  { python = false }: { readonly python?: boolean } = {},
): Promise<ToldWords> {
  const { home, socket, url, log } = daemon
  const keyFile = keyFileOf(home)
  const tcp = ['--url', url, '--key-file', keyFile]
  const tcpEnv = { EVO_TOKEN_URL: url, EVO_TOKEN_KEY_FILE: keyFile }
  // Some answer only when they have waited for a token in vain: all are asked at once.
  const heard = () =>
    inParallel({
      token: ask(socket, `/v1/apps/${app}/token?wait=0`).then(({ body }) => toWords(body)),
      callersToken: getOverTcp(daemon, `/v1/apps/${app}/token?wait=0`).then(toWords),
      client: failureOf(new TokenClient({ socket }).getToken(app)),
      callersClient: failureOf(new TokenClient({ url, keyFile }).getToken(app)),
      python: python ? failureInPython(home, app, {}) : undefined,
      callersPython: python ? failureInPython(home, app, tcpEnv) : undefined,
      get: runCli(home, ['get', app]),
      callersGet: runCli(home, ['get', app, ...tcp]),
      doctor: runCli(home, ['doctor', app]).then(({ stdout }) => stdout),
      ready: ask(socket, `/readyz/${app}`).then(({ body }) => body),
      callersReady: getOverTcp(daemon, `/readyz/${app}`),
    })
  const { words, answers } = await whileTheSame(daemon, app, true, heard)
  const { owner, callers } = words
  const { code } = answers.get
  const { apps } = answers.callersReady as { readonly apps: Readonly<Record<string, Json>> }
  const reason = String(apps[app]?.reason)
  const ready = { ready: false, apps: { [app]: { ready: false, reason } } }
  expect(answers).toEqual({
    token: owner,
    callersToken: callers,
    client: owner,
    callersClient: callers,
    python: python ? owner : undefined,
    callersPython: python ? callers : undefined,
    get: { code, stdout: '', stderr: `evo-token: ${owner.message}\n${owner.hint}\n` },
    callersGet: { code, stdout: '', stderr: `evo-token: ${callers.message}\n${callers.hint}\n` },
    doctor: expect.stringContaining(`: ${owner.message}\n      ${owner.hint}\n`) as string,
    ready,
    callersReady: ready,
  })
  if (LOGGED.has(callers.error)) {
    await until(
      'the log says what a person has to do',
      () => log.findLast((line) => line.app === app && line.need !== undefined),
      (line) => isDeepStrictEqual(line && inLog(line), callers),
    )
  }
  return { ...words, reason, exit: code ?? -1 }
}

/** What is wrong besides while the app has a token, as `blockingWords`. */
export async function sideWords(daemon: RunningDaemon, app: string): Promise<BothWords> {
  const { home, socket } = daemon
  const heard = () =>
    inParallel({
      get: runCli(home, ['get', app]).then(({ code }) => code),
      ready: ask(socket, `/readyz/${app}`).then(({ body }) => body),
      callersReady: getOverTcp(daemon, `/readyz/${app}`),
    })
  const { words, answers } = await whileTheSame(daemon, app, false, heard)
  const ready = { ready: true, apps: { [app]: { ready: true, reason: null } } }
  expect(answers).toEqual({ get: 0, ready, callersReady: ready })
  return words
}

/** The words of the status, for each audience the same in all its forms, and not others afterwards. */
async function whileTheSame<Answers>(
  daemon: RunningDaemon,
  app: string,
  blocking: boolean,
  listen: () => Promise<Answers>,
): Promise<{ readonly words: BothWords; readonly answers: Answers }> {
  const [words, heard] = await until(
    `what is wrong with ${app} stays the same while it is asked for`,
    async () => {
      const before = await inStatus(daemon, app, blocking)
      const heard = await inParallel({
        answers: listen(),
        shown: runCli(daemon.home, ['status', app]).then(({ stdout }) => stdout),
      })
      return [before, heard, await inStatus(daemon, app, blocking)] as const
    },
    ([before, , after]) => isDeepStrictEqual(before, after),
  )
  const { answers, shown: stdout } = heard
  const { owner } = words
  expect(stdout).toContain(`: ${owner.message}\n`)
  expect(stdout).toContain(`\n${'what to do:'.padEnd(14)} ${owner.hint}\n`)
  return { words, answers }
}

async function inStatus(daemon: RunningDaemon, app: string, blocking: boolean): Promise<BothWords> {
  const { home, socket, url } = daemon
  const keyFile = keyFileOf(home)
  const own = () => ask(socket, `/v1/apps/${app}`).then(({ body }) => body.problem)
  const [before, told] = await until(
    `the status of ${app} stays the same while it is read`,
    async () => {
      const first = await own()
      const read = await inParallel({
        callers: getOverTcp(daemon, `/v1/apps/${app}`).then(({ problem }) => problem),
        json: runCli(home, ['status', app, '--json']).then(
          ({ stdout }) => (JSON.parse(stdout) as Json).problem,
        ),
        client: problemIn(new TokenClient({ socket }), app),
        callersClient: problemIn(new TokenClient({ url, keyFile }), app),
      })
      return [first, read, await own()] as const
    },
    ([first, , last]) => isDeepStrictEqual(first, last),
  )
  const { callers, json, client, callersClient } = told
  expect([json, client, callersClient]).toEqual([before, before, callers])
  expect([before, callers]).toMatchObject([{ blocking }, { blocking }])
  return { owner: toWords(before as Json), callers: toWords(callers as Json) }
}

/** As HTTP has it. */
async function problemIn(client: TokenClient, app: string) {
  const found = (await client.status()).find((one) => one.app === app)?.problem
  if (!found) return null
  const { code: error, ...rest } = found
  return { error, ...rest }
}

/** Of a problem of HTTP, or of one in a status. */
function toWords({ error, detail, message = detail, hint }: Json): Words {
  return { error, message, hint } as Words
}

function inLog({ need: error, msg: message, hint }: LogLine): Words {
  return { error, message, hint } as Words
}

async function failureOf(promised: Promise<unknown>): Promise<Words> {
  try {
    await promised
  } catch (error) {
    if (!(error instanceof EvoTokenError)) throw error
    const { code, message, hint } = error
    return { error: code, message, hint }
  }
  throw new Error('there is a token')
}

const PYTHON = `
import json, sys
from evo_token import EvoTokenError, get_token
try:
    get_token(sys.argv[1])
except EvoTokenError as error:
    print(json.dumps({"error": error.code, "message": Exception.__str__(error), "hint": error.hint}))
`

async function failureInPython(home: Home, app: string, env: NodeJS.ProcessEnv): Promise<Words> {
  const { stdout } = await promisify(execFile)('python3', ['-c', PYTHON, app], {
    env: {
      ...home.env,
      ...env,
      PYTHONPATH: join(import.meta.dirname, '../../clients/python/src'),
    },
  })
  return JSON.parse(stdout) as Words
}

function keyFileOf({ stateDir }: Home): string {
  return join(stateDir, 'access-key')
}

/** What a caller gets there, whatever its status. */
export async function getOverTcp({ home, url }: RunningDaemon, path: string): Promise<Json> {
  const key = readFileSync(keyFileOf(home), 'utf8').trim()
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } })
  return (await response.json()) as Json
}

/** The members as they are when all of them have come. */
async function inParallel<T extends object>(
  promised: T,
): Promise<{ readonly [Key in keyof T]: Awaited<T[Key]> }> {
  const entries = Object.entries(promised as Readonly<Record<string, unknown>>).map(
    async ([key, value]) => [key, await value] as const,
  )
  return Object.fromEntries(await Promise.all(entries)) as { [Key in keyof T]: Awaited<T[Key]> }
}
