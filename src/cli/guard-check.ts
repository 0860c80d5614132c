/**
 * `guard check`: refuses a commit that would hold a secret. What is staged never leaves this
 * process: the daemon is asked about hashes, and the secret itself is never printed.
 */
import { sha256Hex } from '../secret.ts'
import { type Client, createClient } from '../client/connection.ts'
import { EvoTokenError } from '../client/failures.ts'
import type { Invocation } from './command.ts'
import { SidecarError } from '../errors.ts'
import { candidatesIn, shapesIn } from './guard-candidates.ts'
import { plain } from './plain.ts'
import { stagedLines } from './staged-lines.ts'

/** What fits into the 16 KiB that the daemon reads. */
const BATCH = 200

/** A commit does not wait for a daemon that hangs. */
const PATIENCE_MS = 5_000

export async function run(invocation: Invocation): Promise<number> {
  const { stderr, env } = invocation.io
  if (env.EVO_TOKEN_GUARD === 'off') {
    stderr.write('evo-token: EVO_TOKEN_GUARD=off, so this commit was not looked at.\n')
    return 0
  }
  const findings = new Map<string, string>()
  const comparison = createComparison(createClient(invocation.place), findings)
  for await (const { file, line, text } of stagedLines()) {
    const place = `${plain(file)}:${line}`
    for (const shape of shapesIn(text)) findings.set(place, shape)
    for (const candidate of candidatesIn(text)) await comparison.add(place, candidate)
  }
  const failure = await comparison.end()
  if (failure !== undefined) {
    stderr.write(
      `evo-token: Only what looks like a JWT, an access key or a client secret was looked for, because the daemon could not compare: ${plain(failure)}\n`,
    )
  }
  if (findings.size === 0) return 0
  const lines = [...findings].map(([place, what]) => `  ${place}: ${what}\n`)
  stderr.write(
    `evo-token: This commit would give away secrets:\n${lines.join('')}Take them out and stage the files again. Where they are harmless, \`EVO_TOKEN_GUARD=off git commit\` lets them pass once.\n`,
  )
  return 1
}

/** Asks the daemon in batches which candidates it holds; a daemon that failed once is not asked again. */
function createComparison(client: Client, findings: Map<string, string>) {
  let places = new Map<string, string>()
  let failure: string | undefined

  async function ask(): Promise<void> {
    const asked = places
    places = new Map()
    if (asked.size === 0 || failure !== undefined) return
    try {
      const body = { sha256: [...asked.keys()] }
      const { sha256 } = await client.ask({
        method: 'POST',
        path: '/v1/guard',
        body,
        timeoutMs: PATIENCE_MS,
      })
      for (const held of Array.isArray(sha256) ? sha256.map(String) : []) {
        const place = asked.get(held)
        if (place !== undefined) findings.set(place, `a secret of ours (${held.slice(0, 8)})`)
      }
    } catch (error) {
      if (!(error instanceof SidecarError || error instanceof EvoTokenError)) throw error
      failure = error.message
    }
  }

  return {
    async add(place: string, candidate: string): Promise<void> {
      const sha256 = sha256Hex(candidate)
      if (!places.has(sha256)) places.set(sha256, place)
      if (places.size >= BATCH) await ask()
    },
    /** Why not everything could be compared, if so. */
    async end(): Promise<string | undefined> {
      await ask()
      return failure
    },
  }
}
