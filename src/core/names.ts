/** What an app or a caller may be called. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** What a variable of the environment may be called, so that every shell and dotenv file takes it. */
export const VARIABLE_PATTERN = /^[A-Za-z_]\w*$/
