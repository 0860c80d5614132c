/**
 * The metadata of authorization servers, kept for all apps of an issuer: in memory for a day, and in a
 * file, so that a restart works while discovery does not.
 */
import { DAY_MS } from '../../core/durations.ts'
import { EVO_ISSUER } from '../../config/evo.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { Reading } from '../../core/token.ts'
import { discover, type DiscoveryResult, type ServerMetadata } from './discovery.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import { createMetadataFile } from './metadata-file.ts'
import type { StartTimeLimit } from './time-limit.ts'

export interface MetadataSource {
  /** The issuer's metadata; asked for at most once at a time, and once in 10 s while that fails. */
  of(issuer: string): Promise<DiscoveryResult>
  /** Asks the issuer now, though its metadata are known: an endpoint has moved. Once in 10 s at most. */
  renew(issuer: string): Promise<void>
  /** The next `of` asks again, even if the last attempt failed a moment ago. */
  forgetFailure(issuer: string): void
}

export interface MetadataOptions {
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly log: Log
  readonly startTimeLimit: StartTimeLimit
  /** Where to keep what was found; nothing in it is secret. */
  readonly file?: string
  readonly timeoutMs?: number
}

const METADATA_LIFETIME_MS = DAY_MS
const DISCOVERY_RETRY_MS = 10_000

/** Short: a person or a script may be waiting for the token request behind it. */
const DISCOVERY_TIMEOUT_MS = 10_000

/** Evo's, for when its discovery does not answer: the Evo SDK has them built in, too. */
const BUILT_IN: ReadonlyMap<string, ServerMetadata> = new Map([
  [
    EVO_ISSUER,
    {
      issuer: EVO_ISSUER,
      authorization_endpoint: `${EVO_ISSUER}/connect/authorize`,
      token_endpoint: `${EVO_ISSUER}/connect/token`,
      revocation_endpoint: `${EVO_ISSUER}/connect/revocation`,
    },
  ],
])

interface IssuerEntry {
  known?: { readonly metadata: ServerMetadata; readonly foundAt: Reading | undefined }
  failed?: { readonly result: DiscoveryResult; readonly at: Reading }
  running?: Promise<DiscoveryResult>
}

export function createMetadataSource(options: MetadataOptions): MetadataSource {
  const { fetch, clock, log, startTimeLimit, timeoutMs = DISCOVERY_TIMEOUT_MS } = options
  const file = options.file === undefined ? undefined : createMetadataFile(options.file, log)
  const entries = new Map<string, IssuerEntry>()

  async function find(issuer: string, entry: IssuerEntry): Promise<DiscoveryResult> {
    const now = () => clock.read().wall
    const result = refuseWorse(
      await discover(issuer, { fetch, now, startTimeLimit, timeoutMs }),
      entry.known?.metadata,
    )
    if (result.kind === 'found') {
      delete entry.failed
      entry.known = { metadata: result.metadata, foundAt: clock.read() }
      await file?.save(issuer, result.metadata)
      return result
    }
    const { message } = result.failure
    log.warn({ issuer, reason: message, known: entry.known !== undefined }, 'discovery failed')
    const builtIn = BUILT_IN.get(issuer)
    const settled: DiscoveryResult = builtIn ? { kind: 'found', metadata: builtIn } : result
    entry.failed = { result: settled, at: clock.read() }
    return settled
  }

  /** Joins the discovery under way, or starts one. */
  function start(issuer: string, entry: IssuerEntry): Promise<DiscoveryResult> {
    entry.running ??= find(issuer, entry).finally(() => delete entry.running)
    return entry.running
  }

  return {
    async renew(issuer) {
      const entry = entries.get(issuer) ?? (await open(issuer))
      const { mono } = clock.read()
      const askedAt = Math.max(
        entry.failed?.at.mono ?? -Infinity,
        entry.known?.foundAt?.mono ?? -Infinity,
      )
      if (mono - askedAt >= DISCOVERY_RETRY_MS) await start(issuer, entry)
    },
    forgetFailure(issuer) {
      const entry = entries.get(issuer)
      if (entry) delete entry.failed
    },
    async of(issuer) {
      const entry = entries.get(issuer) ?? (await open(issuer))
      const { known, failed } = entry
      const held =
        failed && clock.read().mono - failed.at.mono < DISCOVERY_RETRY_MS ? failed : undefined
      if (known) {
        // The known metadata are used until newer ones are there.
        if (!held && !isRecent(known.foundAt, clock.read())) {
          start(issuer, entry).catch((error: unknown) => {
            log.error({ issuer, err: error }, 'a bug in the discovery')
          })
        }
        return { kind: 'found', metadata: known.metadata }
      }
      return held ? held.result : start(issuer, entry)
    },
  }

  async function open(issuer: string): Promise<IssuerEntry> {
    const stored = await file?.load(issuer)
    // Another call may have made the entry while the file was read.
    const opened = entries.get(issuer) ?? {
      ...(stored && { known: { metadata: stored, foundAt: undefined } }),
    }
    entries.set(issuer, opened)
    return opened
  }
}

/** `result`, unless it lacks the token endpoint that is known: a server that starts, or a proxy before it, says less. */
function refuseWorse(result: DiscoveryResult, known: ServerMetadata | undefined): DiscoveryResult {
  if (result.kind !== 'found' || result.metadata.token_endpoint || !known?.token_endpoint)
    return result
  const message = `The metadata of ${known.issuer} name no usable token endpoint now.`
  return { kind: 'absent', failure: { code: 'no_metadata', message } }
}

/** What an earlier process found is used, and looked up again at once. */
function isRecent(foundAt: Reading | undefined, now: Reading): boolean {
  if (!foundAt) return false
  return Math.max(now.wall - foundAt.wall, now.mono - foundAt.mono) < METADATA_LIFETIME_MS
}
