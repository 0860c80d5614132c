/**
 * Whether the database refused a statement or another connection: existing connections go on. With
 * SQLSTATE classes 08 and 57 they end, so those are not refusals.
 */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57)/.test(code)
}
