/** Puts the JSON Schema beside a new config, where its `$schema` leads editors. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeFileAtomically } from '../../adapters/files/atomic-file.ts'
import { isDiskError } from '../../adapters/files/disk-errors.ts'
import { configJsonSchema } from '../../config/schema.ts'

export const SCHEMA_FILE = './config.schema.json'

/** A file of that name that is not ours stays. The config needs none, so a disk that refuses is no failure. */
export async function writeSchema(config: string): Promise<void> {
  const path = join(dirname(config), SCHEMA_FILE)
  const schema = configJsonSchema() as { readonly title: string }
  try {
    const there = await readFile(path, 'utf8').catch(() => undefined)
    if (there !== undefined && !there.includes(JSON.stringify(schema.title))) return
    await writeFileAtomically(path, `${JSON.stringify(schema, null, 2)}\n`, 0o600)
  } catch (error) {
    if (!isDiskError(error)) throw error
  }
}
