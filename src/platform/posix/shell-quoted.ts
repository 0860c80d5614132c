/** One word of sh(1), "Single-Quotes", and of fish, for which a backslash counts within those too. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/['\\]/g, `'\\$&'`)}'`
}
