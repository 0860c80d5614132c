/** What an app or a caller may be called. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** What a variable of the environment may be called, so that every shell and dotenv file takes it. */
export const VARIABLE_PATTERN = /^[A-Za-z_]\w*$/

/** The caller in entries and counts of the activity that are the owner's. */
export const OWNER_NAME = 'owner'

/** Who comes in by a door without an access key: no key is made for these names, or the counts of two would be one. */
export const KEYLESS_CALLERS: readonly string[] = [OWNER_NAME]
