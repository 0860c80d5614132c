import { describe, expect, it } from 'vitest'
import { keyElsewhere } from '../../src/core/vault-key-elsewhere.ts'

describe('keyElsewhere', () => {
  it.each([
    ['file', 'file'],
    ['keychain', 'keychain'],
    ['credential', 'credential'],
    ['auto', 'file'],
    ['auto', 'keychain'],
    ['auto', 'credential'],
    ['keychain', undefined],
  ] as const)('is content with "%s" in the config and the key in the %s', (choice, source) => {
    expect(keyElsewhere(choice, source)).toBeUndefined()
  })

  it.each([
    ['file', 'keychain', 'evo-token vault move-key --to file'],
    ['keychain', 'file', 'evo-token vault move-key --to keychain'],
    ['keychain', 'credential', 'evo-token vault move-key --to keychain'],
    ['credential', 'file', 'move the vault directory away and sign in again'],
  ] as const)(
    'tells of "%s" in the config and the key in the %s, and of both ways out',
    (choice, source, way) => {
      const problem = keyElsewhere(choice, source)
      expect(problem).toMatchObject({
        error: 'vault_key_elsewhere',
        message: `The config wants the vault key in the ${choice}, and this vault's is in the ${source}.`,
      })
      expect(problem?.hint).toContain(`Set "vault": { "key": "${source}" } (or "auto")`)
      expect(problem?.hint).toContain(way)
    },
  )
})
