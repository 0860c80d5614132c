/** Tests that need something of the system: skipped with a reason where it is missing, unless all must run. */
import { spawnSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { it } from 'vitest'

/** What `missing` says is in the name of the skipped test; with EVO_TOKEN_TEST_ALL=1 it fails instead. */
export function itNeeds(missing: string | undefined) {
  if (missing === undefined) return it
  return (name: string, _test: () => unknown, _limitMs?: number): void => {
    if (process.env.EVO_TOKEN_TEST_ALL === '1') {
      it(name, () => {
        throw new Error(`it cannot run here: ${missing}`)
      })
    } else {
      it.skip(`${name} [${missing}]`, () => undefined)
    }
  }
}

/** Why a test that runs these commands cannot; undefined where they are all installed. */
export function missingCommands(...commands: readonly string[]): string | undefined {
  const missing = commands.filter((name) => spawnSync('which', [name]).status !== 0)
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`
}

/** Why a test of both loopback families cannot run; undefined where the machine has both. */
export function noIpv6(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  return addresses.some(({ address }) => address === '::1') ? undefined : 'this machine has no ::1'
}
