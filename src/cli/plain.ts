/** Makes text from elsewhere safe for a terminal: each run of control characters becomes a space. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
