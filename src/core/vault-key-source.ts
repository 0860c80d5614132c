/** Where the vault's key is, and what is wrong where the config wants it in another place. */
import type { DaemonProblem } from './daemon-problem.ts'

/** The sources that evo-token can write: the key can be moved there, and replaced. */
export const WRITABLE_SOURCES = ['keychain', 'file'] as const

export type WritableSource = (typeof WRITABLE_SOURCES)[number]

export const KEY_SOURCES = [...WRITABLE_SOURCES, 'credential'] as const

export type KeySource = (typeof KEY_SOURCES)[number]

/** As the config says it: `auto` is content with every source. */
export const KEY_CHOICES = ['auto', ...KEY_SOURCES] as const

export type KeyChoice = (typeof KEY_CHOICES)[number]

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
