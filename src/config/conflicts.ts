/** Settings that are valid alone and contradict each other. */
import type { App } from '../core/app.ts'
import { locations } from '../platform/chosen.ts'
import { type ConfigFault, toFault } from './faults.ts'
import type { Settings } from './schema.ts'

/** The config with its defaults applied, and with absolute paths. */
interface ResolvedConfig {
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
const WHOLE_FILE = '*'

export function conflictsIn(settings: Settings, { files, apps }: ResolvedConfig): ConfigFault[] {
  const patience = 'must not be longer than retryMax'
  const { retryMin, retryMax } = settings.refresh
  const { share, vault } = settings
  const ownKey = share?.role === 'keeper' && (vault.key === 'auto' || vault.key === 'keychain')
  const impatient = apps.filter(({ name, refresh }) => {
    const own = settings.apps[name]?.refresh
    const set = own?.retryMin !== undefined || own?.retryMax !== undefined
    return set && refresh.retryMinMs > refresh.retryMaxMs
  })
  // At each path the variables that are written, or the whole file.
  const written = new Map<string, Set<string>>()
  const overwriting = files.flatMap((file, index) => {
    const key = locations.pathKey(file.path)
    const others = written.get(key) ?? new Set()
    const own = file.variable ?? WHOLE_FILE
    const collides =
      others.has(own) || others.has(WHOLE_FILE) || (own === WHOLE_FILE && others.size > 0)
    written.set(key, others.add(own))
    return collides ? [index] : []
  })
  return [
    ...(ownKey ? [toFault(['vault', 'key'], SHARED_KEY)] : []),
    ...(retryMin > retryMax ? [toFault(['refresh', 'retryMin'], patience)] : []),
    ...impatient.map(({ name }) => toFault(['apps', name, 'refresh', 'retryMin'], patience)),
    ...overwriting.map((index) =>
      toFault(
        ['files', index],
        'writes over what another one writes: give it its own path, or (dotenv) variable',
      ),
    ),
  ]
}
