/** The model of many keepers (docs/many-hosts.pml), checked by Spin: it holds, and each rule of it is needed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'

const script = join(import.meta.dirname, '..', 'scripts', 'model.mjs')
/** The slower machines of CI share their cores with other tests. */
const TIMEOUT_MS = 300_000
const itWithSpin = itNeeds(missingCommands('spin', 'gcc'))

describe('the model of many keepers', () => {
  itWithSpin(
    'holds in its small configuration',
    () => {
      const { status, stdout } = model()
      expect(stdout).toContain('machines (K=2 FAULTS=2 WORDS=2 RECORDS=3): holds')
      expect(status, stdout).toBe(0)
    },
    TIMEOUT_MS,
  )

  itWithSpin(
    'finds a violation where one of the rules is broken',
    () => {
      const broken = [
        'BREAK_1_GAP',
        'BREAK_2_CATCH_UP',
        'BREAK_3_REVISION',
        'BREAK_4_BEATS',
        'BREAK_5_GUARD',
        'BREAK_6_SHARE',
        'BREAK_7_REVOKE',
        'BREAK_8_INSTANCE',
      ]
      const { status, stdout } = model('--broken', ...broken)
      for (const name of broken) expect(stdout).toContain(`${name}: a violation is found`)
      expect(stdout).toContain('SENDS the token of record')
      expect(status, stdout).toBe(0)
    },
    TIMEOUT_MS,
  )
})

function model(...options: readonly string[]) {
  return spawnSync(process.execPath, [script, ...options], { encoding: 'utf8' })
}
