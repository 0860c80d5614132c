/** What a new config means for the apps that were there before. */
import { type App, identityOf } from './app.ts'

export interface ReloadPlan {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Anything differs, the identity or not. */
  readonly changed: readonly string[]
  /** Those of `changed` whose record belongs to another identity now. */
  readonly replaced: readonly string[]
}

export function planReload(
  before: ReadonlyMap<string, App>,
  after: ReadonlyMap<string, App>,
): ReloadPlan {
  const added = [...after.keys()].filter((name) => !before.has(name))
  const removed = [...before.keys()].filter((name) => !after.has(name))
  const kept = [...after].flatMap(([name, app]) => {
    const old = before.get(name)
    return old ? [{ name, old, app }] : []
  })
  const changed = kept.filter(({ old, app }) => differ(old, app))
  const replaced = changed.filter(({ old, app }) => differ(identityOf(old), identityOf(app)))
  return { added, removed, changed: changed.map(getName), replaced: replaced.map(getName) }
}

/** Both sides are made by the same code, so their keys stand in the same order. */
function differ(one: object, other: object): boolean {
  return JSON.stringify(one) !== JSON.stringify(other)
}

function getName({ name }: { readonly name: string }): string {
  return name
}
