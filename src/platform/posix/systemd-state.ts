/** What systemd says of the service: the properties that are asked for, and what they mean. */
import type { ServiceState } from '../service-manager.ts'

/** What `service status` shows. */
const SHOWN_PROPERTIES = [
  'ActiveState',
  'SubState',
  'ActiveEnterTimestamp',
  'MainPID',
  'NRestarts',
  'Result',
  'StatusText',
]

/** For `systemctl show`, of which `parseState` reads what it prints. */
export const SHOW_PROPERTIES = `--property=LoadState,Job,${SHOWN_PROPERTIES.join(',')}`

export function parseState(shown: string): ServiceState {
  const found = new Map(
    shown.split('\n').map((line) => {
      const end = line.indexOf('=')
      return [line.slice(0, end), line.slice(end + 1)] as const
    }),
  )
  const properties = Object.fromEntries(
    SHOWN_PROPERTIES.map((name) => [name, found.get(name) ?? '']),
  )
  const { ActiveState: active, SubState: sub } = properties
  const loaded = found.get('LoadState') === 'loaded'
  const restarts = Number(properties.NRestarts)
  const isQueued = active === 'inactive' && Boolean(found.get('Job'))
  const phase = isQueued ? 'starting' : phaseOf(active, sub)
  return { phase: loaded ? phase : 'absent', restarts, properties }
}

function phaseOf(active: string | undefined, sub: string | undefined): ServiceState['phase'] {
  // Between two attempts: it has ended without becoming ready, and will most likely do so again.
  if (sub === 'auto-restart') return 'failed'
  if (active === 'activating' || active === 'reloading') return 'starting'
  if (active === 'deactivating') return 'stopping'
  return active === 'active' ? 'running' : 'failed'
}
