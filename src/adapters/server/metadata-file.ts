/**
 * The file that keeps the metadata of authorization servers from one run to the next. A damaged or
 * unwritable file is logged, and costs no more than a discovery.
 */
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Log } from '../../core/ports.ts'
import { codeOf } from '../../errors.ts'
import { Queue } from '../../queue.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { serverMetadata, type ServerMetadata } from './discovery.ts'

export interface MetadataFile {
  load(issuer: string): Promise<ServerMetadata | undefined>
  save(issuer: string, metadata: ServerMetadata): Promise<void>
}

const metadataFileSchema = z.object({
  version: z.literal(1),
  issuers: z.record(z.string(), serverMetadata),
})

type StoredIssuers = z.infer<typeof metadataFileSchema>['issuers']

export function createMetadataFile(path: string, log: Log): MetadataFile {
  let issuers: Promise<StoredIssuers> | undefined
  // One write at a time, each with all that is known by then.
  const writes = new Queue()

  function loadOnce(): Promise<StoredIssuers> {
    issuers ??= readStoredIssuers(path, log)
    return issuers
  }

  return {
    async load(issuer) {
      const known = await loadOnce()
      return Object.hasOwn(known, issuer) ? known[issuer] : undefined
    },
    async save(issuer, metadata) {
      const known = await loadOnce()
      if (Object.hasOwn(known, issuer) && isDeepStrictEqual(known[issuer], metadata)) return
      known[issuer] = metadata
      await writes.run(() => writeStoredIssuers(path, known, log))
    },
  }
}

async function readStoredIssuers(path: string, log: Log): Promise<StoredIssuers> {
  try {
    return metadataFileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).issuers
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      log.warn({ path, err: error }, 'the stored metadata cannot be read and is ignored')
    }
    return {}
  }
}

async function writeStoredIssuers(path: string, issuers: StoredIssuers, log: Log): Promise<void> {
  try {
    const text = `${JSON.stringify({ version: 1, issuers }, null, 2)}\n`
    await writeFileAtomically(path, text, 0o600)
  } catch (error) {
    log.warn({ path, err: error }, 'the metadata cannot be stored')
  }
}
