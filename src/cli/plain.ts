/** Words from elsewhere, made safe for a terminal: no control character of theirs takes effect. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}
