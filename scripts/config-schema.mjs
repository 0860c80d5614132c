// Writes config.schema.json from the definition that the program enforces: `npm run schema`.
import { writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import { configJsonSchema } from '../build/src/config/schema.js'

const target = new URL('../config.schema.json', import.meta.url)
await writeFile(target, await format(JSON.stringify(configJsonSchema()), { parser: 'json' }))
