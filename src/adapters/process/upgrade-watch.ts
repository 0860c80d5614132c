/** Notices that the files of this program are replaced or removed below it, as an upgrade does. */
import { readFileSync, statSync } from 'node:fs'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import type { Log } from '../../core/ports.ts'
import { packageManifest, readPackageVersion } from './package-version.ts'

export interface UpgradeWatch {
  /** To be called now and then; the first time that it finds something, it says so in the log. */
  look(): void
  problem(): DaemonProblem | undefined
}

/** @param manifest the program's own `package.json`. */
export function createUpgradeWatch(
  log: Pick<Log, 'warn'>,
  { manifest = packageManifest(), main = import.meta.filename } = {},
): UpgradeWatch {
  const running = readPackageVersion()
  const files = [manifest, main]
  const before = files.map(fileIdentity).join()
  let problem: DaemonProblem | undefined
  return {
    look() {
      if (problem || files.map(fileIdentity).join() === before) return
      const installed = readInstalledVersion(manifest)
      const now = installed === undefined ? 'are gone' : `are replaced by those of ${installed}`
      problem = {
        error: 'restart_needed',
        message: `The daemon runs evo-token ${running}, and the files of that ${now}.`,
        hint: 'Restart the daemon: `evo-token service install` does it for a service; otherwise end it and run `evo-token serve`.',
      }
      log.warn({ running, installed }, `${problem.message} ${problem.hint}`)
    },
    problem: () => problem,
  }
}

/** Changes when the file is replaced or overwritten; undefined where there is none. */
function fileIdentity(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeMs } = statSync(path)
    return `${dev} ${ino} ${size} ${mtimeMs}`
  } catch {
    return undefined
  }
}

function readInstalledVersion(manifest: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    // It is gone, or being written.
    return undefined
  }
}
