/**
 * Opens the vault, or says why not. A wrong format, machine or key locks the whole vault before any
 * file is changed: a wrong key must not look like a thousand damaged records.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import type { LockedVault, OpenedVault } from '../../core/vault.ts'
import type { Log } from '../../core/ports.ts'
import { keyElsewhere } from '../../core/vault-key-elsewhere.ts'
import type { KeyChoice } from '../../core/vault-key-source.ts'
import { ownership } from '../../platform/chosen.ts'
import { Queues } from '../../queue.ts'
import { removeTemporaries } from '../files/atomic-file.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'
import type { KeyPlaces } from './key-places/key-place.ts'
import { type KeyRing, findKey, toVaultKey, type VaultKey } from './sealing/key-ring.ts'
import { KeyChanges } from './key-changes.ts'
import { CurrentKeys } from './sealing/current-keys.ts'
import { SealedCopies } from './copies/sealed-copies.ts'
import { StoredRecords } from './records/stored-records.ts'
import { notPrivateBecause } from '../files/private-directory.ts'
import {
  checkOpens,
  FORMAT_UNSHARED,
  createKeyCheck,
  hashMachineId,
  newVaultId,
  readHeader,
  type VaultHeader,
  writeHeader,
} from './header.ts'
import type { OnStep } from './records/record-files.ts'
import { chooseFirstKey } from './key-places/key-places.ts'

export interface OpenVaultOptions {
  readonly dir: string
  readonly keys: KeyPlaces
  /** Where the config says that the key is. */
  readonly source: KeyChoice
  readonly machineId: string | null
  /** Whether to use a vault that another machine made. */
  readonly takeOver: boolean
  /** Whether other machines have the key too: then no key is ever removed from its place. */
  readonly sharesKey?: boolean
  readonly log: Log
  readonly onStep?: OnStep | undefined
}

/** Creates the vault where there is none. The caller holds the lock of the state directory. */
export async function openVault(options: OpenVaultOptions): Promise<OpenedVault> {
  const { dir } = options
  try {
    const exposed = describeExposure(dir)
    if (exposed !== undefined) return toLocked(exposed, RUN_THAT_COMMAND)
    const read = readHeader(dir)
    if (read.kind === 'refused') return toLocked(read.message, read.hint)
    return read.kind === 'absent'
      ? await createVault(options)
      : await openExisting(options, read.header)
  } catch (error) {
    if (!isDiskError(error)) throw error
    const message = `The vault ${dir} cannot be used: ${diskErrorInWords(error)}.`
    return toLocked(message, wayOutOf(error), 'vault_unwritable')
  }
}

/** Why the vault's directory is not private. The state directory around it is, so its mode is a mistake, not a danger. */
function describeExposure(dir: string): string | undefined {
  const stats = statSync(dir, { throwIfNoEntry: false })
  const reason = stats?.isDirectory()
    ? notPrivateBecause(dir, stats, ownership.userId())
    : undefined
  return reason && `The vault ${dir} ${reason}`
}

async function createVault(options: OpenVaultOptions): Promise<OpenedVault> {
  const { dir, keys, source: choice, machineId, log } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  await removeTemporaries(dir)
  if (readdirSync(dir).length > 0) {
    return toLocked(
      `The vault ${dir} has lost its vault.json, without which its other files cannot be opened.`,
      `Put it back from a backup; or ${adviseFreshVault(dir)}`,
    )
  }
  const id = newVaultId()
  const first = await chooseFirstKey(choice, keys, id, log)
  if (first.kind === 'refused') return toLocked(first.message, first.hint)
  const { source } = first
  const key = await toVaultKey(first.key)
  const machine = hashMachineId(id, machineId)
  const check = await createKeyCheck(id, key)
  const header = await writeHeader(dir, { format: FORMAT_UNSHARED, id, source, machine, ...check })
  log.info({ dir, source }, 'made a new vault')
  return { kind: 'open', ...assembleVault(options, header, [key]) }
}

async function openExisting(options: OpenVaultOptions, header: VaultHeader): Promise<OpenedVault> {
  const { dir, machineId, takeOver } = options
  const machine = hashMachineId(header.id, machineId)
  const elsewhere = header.machine !== null && header.machine !== machine
  if (elsewhere && !takeOver) return refuseOtherMachine(dir)
  const unlocked = await unlockKeys(options, header)
  if ('kind' in unlocked) return unlocked
  const ours = { ...header, machine }
  const written = header.machine === machine ? ours : await writeHeader(dir, ours)
  await removeTemporaries(dir)
  const vault = assembleVault(options, written, unlocked.ring)
  await vault.keys.finish(unlocked.newest.kid, options.sharesKey ?? false)
  return { kind: 'open', ...vault }
}

async function unlockKeys(
  { dir, keys: places, source: choice }: OpenVaultOptions,
  header: VaultHeader,
): Promise<LockedVault | { readonly ring: KeyRing; readonly newest: VaultKey }> {
  const { source, id, kid } = header
  const elsewhere = keyElsewhere(choice, source)
  if (elsewhere) return { ...toLocked(elsewhere.message, elsewhere.hint), keySource: source }
  const read = await places[source].read(id)
  if (read.kind === 'refused') return toLocked(read.message, read.hint)
  if (read.kind === 'none') {
    return toLocked(
      `${read.message} The records of the vault ${dir} cannot be opened without it.`,
      `${read.hint} Or ${adviseFreshVault(dir)}`,
    )
  }
  const keys = await Promise.all(read.keys.map(toVaultKey))
  const [newest] = keys
  const fitting = findKey(keys, kid)
  if (!newest || !fitting || !(await checkOpens(header, fitting))) {
    return toLocked(
      `The key in the ${source} is not the key of the vault ${dir}.`,
      `Put the right one back from a backup; or ${adviseFreshVault(dir)}`,
    )
  }
  return { ring: [fitting, ...keys.filter((key) => key !== fitting)], newest }
}

function assembleVault(options: OpenVaultOptions, header: VaultHeader, ring: KeyRing) {
  const { dir, keys: places, log, onStep = () => undefined } = options
  const queues = new Queues()
  const current = new CurrentKeys({ dir, onStep }, header, ring)
  return {
    records: new StoredRecords({ dir, log, queues, keys: current, onStep }),
    keys: new KeyChanges({ dir, places, current, log, queues, onStep }),
    copies: new SealedCopies(current),
  }
}

function refuseOtherMachine(dir: string): LockedVault {
  return toLocked(
    `The vault ${dir} was made on another machine. Two machines that use it would end each other's sessions.`,
    'If the other one no longer uses it: evo-token serve --take-over. Otherwise give this one a state directory of its own.',
  )
}

const RUN_THAT_COMMAND =
  'Run that command; evo-token tries again by itself. If another user may have read the vault key: evo-token vault rotate-key'

function adviseFreshVault(dir: string): string {
  return `move ${dir} away for a fresh vault, and sign in again.`
}

function toLocked(message: string, hint: string, code = 'vault_locked'): LockedVault {
  return { kind: 'locked', failure: { code, message }, hint }
}
