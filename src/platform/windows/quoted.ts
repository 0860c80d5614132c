/** One word of PowerShell, and of cmd where the path is an ordinary one. */
export function quoted(text: string): string {
  if (/^[\w@+=:,./\\-]+$/.test(text)) return text
  return /[$`%"]/.test(text) ? `'${text.replaceAll("'", "''")}'` : `"${text}"`
}
