/**
 * Faults that the schema library does not come to: it looks into no app whose name or type is wrong, and
 * into no token file whose format is. What is wrong there for each kind that it could be is told too.
 */
import { z } from 'zod'
import { NAME } from '../core/names.ts'
import { APP_KINDS } from './app-schema.ts'
import { type ConfigFault, toFaults } from './faults.ts'
import type { Path } from './json-text.ts'
import { FILE_KINDS } from './schema.ts'

type Kinds = Readonly<Record<string, z.ZodType>>
type Named = Readonly<Record<string, unknown>>

/** `whole` is the config as it is written. */
export function hiddenFaults(whole: unknown): ConfigFault[] {
  const { apps, files } = asRecord(whole)
  return [
    ...Object.entries(asRecord(apps)).flatMap(([name, app]) =>
      NAME.test(name) && hasKind(app, 'type', APP_KINDS)
        ? []
        : faultsOfEachKind(whole, ['apps', name], app, 'type', APP_KINDS),
    ),
    ...(Array.isArray(files) ? files : []).flatMap((file: unknown, index) =>
      asRecord(file).format === undefined ||
      hasKind(file, 'format', { ...FILE_KINDS, json: z.any() })
        ? []
        : faultsOfEachKind(whole, ['files', index], file, 'format', FILE_KINDS),
    ),
  ]
}

/** The faults of its kind, where it has one; else those that it would have as any of them. */
function faultsOfEachKind(
  whole: unknown,
  path: Path,
  value: unknown,
  discriminator: string,
  kinds: Kinds,
): ConfigFault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const own = asRecord(value)[discriminator]
  const possible = Object.keys(kinds).filter((kind) => kind === own)
  const [first = [], ...others] = (possible.length > 0 ? possible : Object.keys(kinds)).map(
    (kind) => {
      const result = kinds[kind]?.safeParse({ ...value, [discriminator]: kind })
      if (!result || result.success) return []
      const issues = result.error.issues.map((issue) => ({
        ...issue,
        path: [...path, ...issue.path],
      }))
      return toFaults(new z.ZodError(issues), whole)
    },
  )
  return first.filter((fault) =>
    others.every((faults) => faults.some((other) => other.path === fault.path)),
  )
}

function hasKind(value: unknown, discriminator: string, kinds: Kinds): boolean {
  const kind = asRecord(value)[discriminator]
  return typeof kind === 'string' && Object.hasOwn(kinds, kind)
}

function asRecord(value: unknown): Named {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
