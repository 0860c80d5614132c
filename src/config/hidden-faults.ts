/**
 * Faults that the schema library does not report: it looks into no app whose name or type is wrong, and
 * into no token file whose format is. Reported here is what is wrong there for every kind that it could be.
 */
import { z } from 'zod'
import { NAME_PATTERN } from '../core/names.ts'
import { APP_KINDS, appSettings as anyApp } from './app-schema.ts'
import { type ConfigFault, toFaults } from './faults.ts'
import type { Path } from './json-text.ts'
import { FILE_KINDS } from './schema.ts'
import { membersOf } from '../core/json-object.ts'

type Kinds = Readonly<Record<string, z.ZodType>>

/** `whole` is the config as it is written. */
export function findHiddenFaults(whole: unknown): ConfigFault[] {
  const { apps, files } = membersOf(whole)
  return [
    ...Object.entries(membersOf(apps)).flatMap(([name, app]) => [
      ...(NAME_PATTERN.test(name) ? [] : faultsAt(whole, ['apps', name], app, anyApp)),
      ...(hasKind(app, 'type', APP_KINDS)
        ? []
        : faultsOfEachKind(whole, ['apps', name], app, 'type', APP_KINDS)),
    ]),
    ...(Array.isArray(files) ? files : []).flatMap((file: unknown, index) =>
      membersOf(file).format === undefined ||
      hasKind(file, 'format', { ...FILE_KINDS, json: z.any() })
        ? []
        : faultsOfEachKind(whole, ['files', index], file, 'format', FILE_KINDS),
    ),
  ]
}

/** The faults that a value of no known kind has as every one of `kinds`. */
function faultsOfEachKind(
  whole: unknown,
  path: Path,
  value: unknown,
  discriminator: string,
  kinds: Kinds,
): ConfigFault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const [first = [], ...others] = Object.entries(kinds).map(([kind, schema]) =>
    faultsAt(whole, path, { ...value, [discriminator]: kind }, schema),
  )
  return first.filter((fault) =>
    others.every((faults) => faults.some((other) => isAtOrAbove(other.path, fault.path))),
  )
}

function faultsAt(whole: unknown, path: Path, value: unknown, schema: z.ZodType): ConfigFault[] {
  const result = schema.safeParse(value)
  if (result.success) return []
  const issues = result.error.issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }))
  return toFaults(new z.ZodError(issues), whole)
}

/** A kind that does not know a setting at all has a fault above every fault inside of it. */
function isAtOrAbove(path: string, other: string): boolean {
  return path === other || other.startsWith(`${path}.`) || other.startsWith(`${path}[`)
}

function hasKind(value: unknown, discriminator: string, kinds: Kinds): boolean {
  const kind = membersOf(value)[discriminator]
  return typeof kind === 'string' && Object.hasOwn(kinds, kind)
}
