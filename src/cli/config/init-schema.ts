/** Writes the JSON Schema beside a new config, where its `$schema` points. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeFileAtomically } from '../../adapters/files/atomic-file.ts'
import { isDiskError } from '../../adapters/files/disk-errors.ts'
import { readSmallFile } from '../../adapters/files/small-file.ts'
import { configJsonSchema } from '../../config/schema.ts'

export const SCHEMA_FILE = './config.schema.json'

/** Ours has some 50 KiB. */
const SCHEMA_MAX_BYTES = 1024 * 1024

/** Keeps a file of that name that is not ours. Only editors need the schema, so a disk error is ignored. */
export async function writeSchema(config: string): Promise<void> {
  const path = join(dirname(config), SCHEMA_FILE)
  const schema = configJsonSchema() as { readonly title: string }
  try {
    if (existsSync(path)) {
      const there = readSmallFile(path, SCHEMA_MAX_BYTES)
      if (there.kind === 'bad' || !there.bytes.includes(JSON.stringify(schema.title))) return
    }
    await writeFileAtomically(path, `${JSON.stringify(schema, null, 2)}\n`, 0o600)
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}
