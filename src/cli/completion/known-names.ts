/** Asks the daemon that the typed options name for its apps or callers. */
import { NAME_PATTERN } from '../../core/names.ts'
import { createClient } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { SidecarError } from '../../errors.ts'
import type { Io } from '../io.ts'

/** Longer than a healthy daemon takes, shorter than a person waits. */
const NAMES_TIMEOUT_MS = 1_000

/** Empty where the daemon does not answer. */
export async function namesOf(
  kind: 'app' | 'caller',
  typed: readonly string[],
  env: Io['env'],
): Promise<string[]> {
  const place = {
    env,
    socket: optionValue('--socket', typed, env.HOME),
    stateDir: optionValue('--state-dir', typed, env.HOME),
    ownerOnly: kind === 'caller',
  }
  const [path, list, key] =
    kind === 'app' ? ['/v1/apps', 'apps', 'app'] : ['/v1/callers', 'callers', 'name']
  try {
    const answer = await createClient(place).ask({ path, timeoutMs: NAMES_TIMEOUT_MS })
    const entries = Array.isArray(answer[list]) ? (answer[list] as unknown[]) : []
    return entries
      .map((entry) => String((entry as Readonly<Record<string, unknown>> | null)?.[key]))
      .filter((name) => NAME_PATTERN.test(name))
  } catch (error) {
    if (error instanceof SidecarError || error instanceof EvoTokenError) return []
    throw error
  }
}

/** The value of an option before `--`; of several the last, as when the command runs. */
function optionValue(name: string, typed: readonly string[], home = ''): string | undefined {
  const end = typed.indexOf('--')
  const options = end < 0 ? typed : typed.slice(0, end)
  let value: string | undefined
  for (const [at, word] of options.entries()) {
    if (word.startsWith(`${name}=`)) value = word.slice(name.length + 1)
    else if (options[at - 1] === name) value = word
  }
  return value?.replace(/^~(?=\/)/, home)
}
