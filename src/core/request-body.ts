/** Whether a request has a body (RFC 9112 §6.3). */
export function hasBody({
  headers,
}: {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
