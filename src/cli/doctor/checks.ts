/** A ladder of checks: each stands on those before it, so it ends at the first one that breaks. */
import { SidecarError } from '../../errors.ts'
import { EvoTokenError } from '../../client/failures.ts'

export interface Check {
  readonly id: string
  /** What holds, in words. @throws {SidecarError | EvoTokenError} what does not, and how to mend it. */
  readonly run: () => Promise<string>
}

export interface Verdict {
  readonly id: string
  /** Null for what all apps stand on. */
  readonly app: string | null
  readonly ok: boolean
  readonly detail: string
  readonly hint: string | null
  /** Of the process, if this is where the ladder ends; 0 where the rung holds. */
  readonly exitCode: number
}

/** Climbs, and says of each rung how it was. True at the top. */
export async function runChecks(
  checks: readonly Check[],
  app: string | null,
  say: (verdict: Verdict) => void,
): Promise<boolean> {
  for (const { id, run } of checks) {
    try {
      say({ id, app, ok: true, detail: await run(), hint: null, exitCode: 0 })
    } catch (error) {
      if (!(error instanceof SidecarError || error instanceof EvoTokenError)) throw error
      const { message, hint, exitCode } = error
      say({ id, app, ok: false, detail: message, hint: hint || null, exitCode })
      return false
    }
  }
  return true
}

export function checkFault(message: string, hint: string): SidecarError {
  return new SidecarError('failed', message, { hint })
}
