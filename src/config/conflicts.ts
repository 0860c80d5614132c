/** Settings that are valid alone and contradict each other. */
import type { App } from '../core/app.ts'
import { type ConfigFault, fault } from './faults.ts'
import type { Settings } from './schema.ts'

/** What the settings come to, with the defaults of all apps, and with paths that begin at the root. */
interface Resolved {
  readonly apps: readonly App[]
  readonly files: readonly {
    readonly path: string
    /** Absent where the file has nothing but the token. */
    readonly variable?: string
  }[]
}

const SHARED_KEY =
  'must be "file" or "credential" where "share" is: each keeper has the same key, and a keychain keeps its own'

/** Stands for a whole file: no variable has such a name. */
const WHOLE = '*'

export function conflictsIn(settings: Settings, { files, apps }: Resolved): ConfigFault[] {
  const patience = 'must not be longer than retryMax'
  const { retryMin, retryMax } = settings.refresh
  const { share, vault } = settings
  // Every keeper has the same key, and a keychain belongs to one machine.
  const ownKey = share?.role === 'keeper' && (vault.key === 'auto' || vault.key === 'keychain')
  const impatient = apps.filter(({ name, refresh }) => {
    const own = settings.apps[name]?.refresh
    const set = own?.retryMin !== undefined || own?.retryMax !== undefined
    return set && refresh.retryMinMs > refresh.retryMaxMs
  })
  // At each path the variables that are written, or the whole file.
  const written = new Map<string, Set<string>>()
  const overwriting = files.flatMap((file, index) => {
    const others = written.get(file.path) ?? new Set()
    const own = file.variable ?? WHOLE
    const collides = others.has(own) || others.has(WHOLE) || (own === WHOLE && others.size > 0)
    written.set(file.path, others.add(own))
    return collides ? [index] : []
  })
  return [
    ...(ownKey ? [fault(['vault', 'key'], SHARED_KEY)] : []),
    ...(retryMin > retryMax ? [fault(['refresh', 'retryMin'], patience)] : []),
    ...impatient.map(({ name }) => fault(['apps', name, 'refresh', 'retryMin'], patience)),
    ...overwriting.map((index) =>
      fault(
        ['files', index],
        'writes over what another one writes: give it its own path, or (dotenv) variable',
      ),
    ),
  ]
}
