/**
 * Opens the vault, or says why not. Whatever does not fit (format, machine, key) locks it as a whole
 * before a single file is touched: a wrong key must not look like a thousand damaged records.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import type { LockedVault, Log, OpenedVault } from '../../core/ports.ts'
import { type KeyChoice, keyElsewhere } from '../../core/vault-key-source.ts'
import { ownership } from '../../platform/chosen.ts'
import { Queues } from '../../queue.ts'
import { removeTemporaries } from '../atomic-file.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../disk-errors.ts'
import type { KeyPlaces } from './key-place.ts'
import { type KeyRing, keyOf, toVaultKey, type VaultKey } from './key-ring.ts'
import { KeyChanges } from './vault-key-changes.ts'
import { VaultKeyring } from './vault-keyring.ts'
import { StoredRecords } from './vault-records.ts'
import { notPrivateBecause } from '../private-directory.ts'
import {
  checkOpens,
  FORMAT,
  keyCheck,
  machineMark,
  newVaultId,
  readHeader,
  type VaultHeader,
  writeHeader,
} from './vault-header.ts'
import type { OnStep } from './vault-files.ts'
import { firstKey } from './vault-key.ts'

export interface OpenVaultOptions {
  readonly dir: string
  readonly keys: KeyPlaces
  /** Where the config wants the key to be. */
  readonly source: KeyChoice
  readonly machineId: string | null
  /** Whether the vault of another machine becomes this one's. */
  readonly takeOver: boolean
  readonly log: Log
  readonly onStep?: OnStep | undefined
}

/** The lock of the state directory must be held. Creates the vault where there is none. */
export async function openVault(options: OpenVaultOptions): Promise<OpenedVault> {
  const { dir } = options
  try {
    const open = openToOthers(dir)
    if (open !== undefined) return locked(open, MEND_THAT)
    const read = readHeader(dir)
    if (read.kind === 'refused') return locked(read.message, read.hint)
    return read.kind === 'absent' ? await create(options) : await openExisting(options, read.header)
  } catch (error) {
    if (!isDiskError(error)) throw error
    const message = `The vault ${dir} cannot be used: ${diskErrorInWords(error)}.`
    return locked(message, wayOutOf(error), 'vault_unwritable')
  }
}

/** The directory above is private, and yet: whoever opened this one did not know what is in it. */
function openToOthers(dir: string): string | undefined {
  const stats = statSync(dir, { throwIfNoEntry: false })
  const reason = stats?.isDirectory()
    ? notPrivateBecause(dir, stats, ownership.userId())
    : undefined
  return reason && `The vault ${dir} ${reason}`
}

async function create(options: OpenVaultOptions): Promise<OpenedVault> {
  const { dir, keys, source: choice, machineId, log } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  await removeTemporaries(dir)
  if (readdirSync(dir).length > 0) {
    return locked(
      `The vault ${dir} has lost its vault.json, without which its other files cannot be opened.`,
      `Put it back from a backup; or ${startAgain(dir)}`,
    )
  }
  const id = newVaultId()
  const first = await firstKey(choice, keys, id, log)
  if (first.kind === 'refused') return locked(first.message, first.hint)
  const { source } = first
  const key = await toVaultKey(first.key)
  const machine = machineMark(id, machineId)
  const check = await keyCheck(id, key)
  const header = await writeHeader(dir, { format: FORMAT, id, source, machine, ...check })
  log.info({ dir, source }, 'made a new vault')
  return { kind: 'open', ...createParts(options, header, [key]) }
}

async function openExisting(options: OpenVaultOptions, header: VaultHeader): Promise<OpenedVault> {
  const { dir, machineId, takeOver } = options
  const machine = machineMark(header.id, machineId)
  const elsewhere = header.machine !== null && header.machine !== machine
  if (elsewhere && !takeOver) return madeElsewhere(dir)
  const unlocked = await readKeys(options, header)
  if ('kind' in unlocked) return unlocked
  const ours = { ...header, machine }
  const written = header.machine === machine ? ours : await writeHeader(dir, ours)
  await removeTemporaries(dir)
  const vault = createParts(options, written, unlocked.ring)
  await vault.keys.finish(unlocked.newest.kid)
  return { kind: 'open', ...vault }
}

async function readKeys(
  { dir, keys: places, source: choice }: OpenVaultOptions,
  header: VaultHeader,
): Promise<LockedVault | { readonly ring: KeyRing; readonly newest: VaultKey }> {
  const { source, id, kid } = header
  const elsewhere = keyElsewhere(choice, source)
  if (elsewhere) return { ...locked(elsewhere.message, elsewhere.hint), keySource: source }
  const read = await places[source].read(id)
  if (read.kind === 'refused') return locked(read.message, read.hint)
  if (read.kind === 'none') {
    return locked(
      `${read.message} The records of the vault ${dir} cannot be opened without it.`,
      `${read.hint} Or ${startAgain(dir)}`,
    )
  }
  const keys = await Promise.all(read.keys.map(toVaultKey))
  const [newest] = keys
  const fitting = keyOf(keys, kid)
  if (!newest || !fitting || !(await checkOpens(header, fitting))) {
    return locked(
      `The key in the ${source} is not the key of the vault ${dir}.`,
      `Put the right one back from a backup; or ${startAgain(dir)}`,
    )
  }
  return { ring: [fitting, ...keys.filter((key) => key !== fitting)], newest }
}

function createParts(options: OpenVaultOptions, header: VaultHeader, ring: KeyRing) {
  const { dir, keys: places, log, onStep = () => undefined } = options
  const queues = new Queues()
  const keyring = new VaultKeyring({ dir, onStep }, header, ring)
  return {
    records: new StoredRecords({ dir, log, queues, keys: keyring, onStep }),
    keys: new KeyChanges({ dir, places, keyring, log, queues, onStep }),
  }
}

function madeElsewhere(dir: string): LockedVault {
  return locked(
    `The vault ${dir} was made on another machine. Two machines that use it would end each other's sessions.`,
    'If the other one does not use it any more: evo-token serve --take-over. Else give this one a state directory of its own.',
  )
}

const MEND_THAT =
  'Mend that; evo-token tries again by itself. If somebody may have read the key of the vault: evo-token vault rotate-key'

function startAgain(dir: string): string {
  return `move ${dir} away for a fresh vault, and sign in anew.`
}

function locked(message: string, hint: string, error = 'vault_locked'): LockedVault {
  return { kind: 'locked', failure: { code: error, message }, hint }
}
