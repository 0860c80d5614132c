/** Where the key of the vault may be. */

/** The sources that evo-token can write: the key can be moved there, and replaced. */
export const WRITABLE_SOURCES = ['keychain', 'file'] as const

export type WritableSource = (typeof WRITABLE_SOURCES)[number]

export const KEY_SOURCES = [...WRITABLE_SOURCES, 'credential'] as const

export type KeySource = (typeof KEY_SOURCES)[number]

/** As the config says it: `auto` is content with every source. */
export const KEY_CHOICES = ['auto', ...KEY_SOURCES] as const

export type KeyChoice = (typeof KEY_CHOICES)[number]
