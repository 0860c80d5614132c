/** Finds rows by their app. */
import type { AppKey } from '../../core/sharing/shared-store.ts'

export function rowsByKey<Row extends AppKey>(
  rows: readonly Row[],
): (key: AppKey) => Row | undefined {
  const byKey = new Map(rows.map((row) => [keyText(row), row]))
  return (key) => byKey.get(keyText(key))
}

function keyText({ app, identityDigest }: AppKey): string {
  return `${app} ${identityDigest}`
}
