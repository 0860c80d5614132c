/** A change of the vault's key that is killed at each write of it, and not only at the steps that it has names for. */
import { execFileSync } from 'node:child_process'
import { describe, expect } from 'vitest'
import {
  expectEverything,
  expectOnePlace,
  furnish,
  header,
  inProcess,
  keyIds,
} from '../support/furnished-vault.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { temporaryDirectory, vaultWorld } from '../support/vault-world.ts'

const it = itNeeds(process.platform === 'linux' ? missingCommands('strace') : 'needs strace')

/**
 * Ends the program by SIGKILL at its n-th fsync, of which each change of ours has two: one before the
 * rename, when all is in a temporary, and one after it, of the directory. One thread has all files.
 */
function killedAt(call: number) {
  const inject = `inject=fsync:signal=SIGKILL:when=${call}`
  return {
    under: ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fsync', '-e', inject],
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  }
}

/** Does `work` again and again on a copy of the same vault, killed one call later each time. */
async function killAtEveryCall(
  work: string,
  inspect: (world: ReturnType<typeof vaultWorld>) => Promise<void>,
): Promise<{ readonly kills: number; readonly steps: ReadonlySet<string> }> {
  const original = vaultWorld()
  await furnish(await original.vault(), original)
  const steps = new Set<string>()
  for (let call = 1; ; call++) {
    const world = vaultWorld(temporaryDirectory())
    // With all modes, which Node's own copying of directories keeps in some versions only.
    execFileSync('cp', ['-a', `${original.stateDir}/.`, world.stateDir])
    const ran = await inProcess(world, work, killedAt(call))
    steps.add(ran.steps.at(-1) ?? 'nothing yet')
    await inspect(world)
    if (ran.end !== 'SIGKILL') return { kills: call - 1, steps }
  }
}

describe('rotateKey', () => {
  it('loses nothing whatever call it is killed at, and is finished by the next start', async () => {
    const { kills, steps } = await killAtEveryCall(
      'await vault.keys.rotate((app, work) => work())',
      async (world) => {
        await expectEverything(world)
        expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
        expect(await world.keys.file.read('')).toMatchObject({ keys: { length: 1 } })
      },
    )
    expect(kills).toBeGreaterThanOrEqual(16)
    expect([...steps]).toEqual(
      expect.arrayContaining(['nothing yet', 'key added', 'key in use', 'done']),
    )
  })
})

describe('moveKey', () => {
  it('leaves one key in one place whatever call it is killed at', async () => {
    const { kills, steps } = await killAtEveryCall(
      "await vault.keys.move('keychain')",
      expectOnePlace,
    )
    expect(kills).toBeGreaterThanOrEqual(8)
    expect([...steps]).toEqual(
      expect.arrayContaining(['nothing yet', 'announced', 'copied', 'moved', 'done']),
    )
  })
})
