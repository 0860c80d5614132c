/** Checks that run in turn until one fails: each depends on those before it. */
import { SidecarError } from '../../errors.ts'
import { EvoTokenError } from '../../client/failures.ts'

export interface Check {
  readonly id: string
  /** Resolves with a phrase that says what is right. @throws {SidecarError | EvoTokenError} what is wrong, and how to fix it. */
  readonly run: () => Promise<string>
}

export interface CheckResult {
  readonly id: string
  /** Null for a check that concerns all apps. */
  readonly app: string | null
  readonly ok: boolean
  readonly detail: string
  readonly hint: string | null
  /** Exit code of the process if this check fails; 0 if it passes. */
  readonly exitCode: number
}

/** Runs the checks until one fails, and reports each. Resolves with whether all passed. */
export async function runChecks(
  checks: readonly Check[],
  app: string | null,
  say: (verdict: CheckResult) => void,
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
