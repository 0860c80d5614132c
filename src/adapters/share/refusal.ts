/**
 * Whether the database refused a statement or another connection: existing connections go on. With
 * SQLSTATE class 08, 57P (the server or a session ends) and a time limit of the transaction (25P03,
 * 25P04) they end, so those are not refusals. A canceled statement (57014) is one.
 */
export function isRefusal(error: unknown): error is Error {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|25P0[34])/.test(code)
}
