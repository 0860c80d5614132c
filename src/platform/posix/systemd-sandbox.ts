/** What the sandbox of the units hides from the service, and where it lets it write (systemd.exec(5)). */
import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { toUnitWord } from './systemd-unit-word.ts'

/** PrivateTmp= puts empty ones over the first two, PrivateDevices= one over the third. */
const HIDDEN_PATH = /^\/(tmp|var\/tmp|dev)(\/|$)/

/** ProtectHome= of the machine's unit. */
const HOME_PATH = /^\/(home|root|run\/user)\//

/**
 * Refuses a file that the service will not see.
 *
 * @throws {SidecarError} `failed`.
 */
export function requireVisible(path: string, { system }: { readonly system: boolean }): void {
  const real = realPathOf(path)
  const shown = real === path ? path : `${path}, which leads to ${real}`
  if (HIDDEN_PATH.test(path) || HIDDEN_PATH.test(real)) {
    throw new SidecarError(
      'failed',
      `The service cannot use ${shown}: it has a /tmp and a /dev of its own.`,
      {
        hint: 'Move it to a place that stays, such as your home directory or /opt, and run `service install` from there.',
      },
    )
  }
  if (!system || !(HOME_PATH.test(path) || HOME_PATH.test(real))) return
  throw new SidecarError(
    'failed',
    `The machine's service cannot use ${path}: ${real} is in a home directory.`,
    {
      hint: 'Install Node and evo-token for the whole machine (below /usr or /opt), and run `service install --system` from there.',
    },
  )
}

/** At the end of all links; what is not there yet keeps its name. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPathOf(parent), basename(path))
  }
}

/**
 * The lines of the user's unit for where the daemon writes: its state, its sockets, and the
 * directories of token files. What is not there when the service starts stays read-only, so
 * the first two are made outside of the sandbox before.
 */
export function writableLines(stateDir: string, directories: readonly string[]): string {
  const paths = [stateDir, ...directories].filter((path) => isAbsolute(path))
  const words = [...new Set(paths)].sort().map((path) => toUnitWord(path, '$', '-'))
  return [
    `ExecStartPre=+/bin/mkdir -p -m 700 ${toUnitWord(stateDir, '$$')} %t/evo-token`,
    `ReadWritePaths=${[...words, '-%t/evo-token'].join(' ')}`,
  ].join('\n')
}
