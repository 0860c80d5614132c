/** What is wrong where the config wants the vault's key in another place than it is. */
import type { DaemonProblem } from './daemon-problem.ts'
import type { KeyChoice, KeySource } from './vault-key-source.ts'

/** @param source where the vault's key is; undefined where that is not known. */
export function keyElsewhere(
  choice: KeyChoice,
  source: KeySource | undefined,
): DaemonProblem | undefined {
  if (source === undefined || choice === 'auto' || choice === source) return undefined
  return {
    error: 'vault_key_elsewhere',
    message: `The config wants the vault key in the ${choice}, and this vault's is in the ${source}.`,
    hint: `Set "vault": { "key": "${source}" } (or "auto") in the config before the daemon starts again: otherwise the vault stays locked. To change the place, ${wayTo(choice)}.`,
  }
}

function wayTo(choice: KeySource): string {
  if (choice === 'credential') return 'move the vault directory away and sign in again'
  return `run \`evo-token vault move-key --to ${choice}\` while the daemon has the vault open, and set it to "${choice}" then`
}
