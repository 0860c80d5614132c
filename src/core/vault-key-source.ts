/** Where the vault's key is, and what is wrong where the config wants it in another place. */
import type { DaemonProblem } from './daemon-problem.ts'

export type KeySource = 'keychain' | 'file' | 'credential'

/** As the config says it: `auto` is content with every source. */
export type KeyChoice = KeySource | 'auto'

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
