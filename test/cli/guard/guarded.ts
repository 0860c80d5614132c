/** A daemon that holds a secret, repositories beside it, and the guard between them, as built. */
import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MAIN } from '../../support/daemon-process.ts'
import type { Repository } from '../repository.ts'
import { type StandIn, startStandIn } from '../stand-in.ts'

const header = Buffer.from('{"alg":"RS256"}').toString('base64url')
export const JWT = `${header}.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl`
export const SECRET = 'Zm9v-a-refresh-token-that-we-hold'
export const SHA256 = createHash('sha256').update(SECRET).digest('hex')

/** A daemon that holds `secret` and refuses what the real one would. */
export async function startHolder(secret = SECRET) {
  const held = createHash('sha256').update(secret).digest('hex')
  return startStandIn({
    'POST /v1/guard': ({ body, headers }) => {
      const { sha256 } = body as { sha256: string[] }
      const fits = sha256.length <= 250 && Number(headers['content-length']) <= 16 * 1024
      if (!fits) return { problem: { error: 'too_large', detail: 'Too large.' } }
      return { json: { sha256: sha256.filter((one) => one === held) } }
    },
  })
}

/** Runs the command as a hook would: in the repository. */
export async function guard(
  daemon: Pick<StandIn, 'env'>,
  { directory }: Repository,
  command: string | readonly string[] = 'check',
  env: NodeJS.ProcessEnv = {},
) {
  const child = spawn(process.execPath, [MAIN, 'guard', ...[command].flat()], {
    cwd: directory,
    env: { ...daemon.env, HOME: directory, GIT_CONFIG_NOSYSTEM: '1', ...env },
  })
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: await stdout, stderr: await stderr }
}

/** `evo-token` on the PATH, as an installed program is. */
export function withProgram(daemon: StandIn): NodeJS.ProcessEnv {
  const bin = join(daemon.directory, 'bin')
  mkdirSync(bin)
  const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
  writeFileSync(join(bin, 'evo-token'), program, { mode: 0o755 })
  return { ...daemon.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
}
