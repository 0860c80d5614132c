/** What an app or a caller may be called. */
export const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
