/** The platform that this process runs on. */
import { loadPlatform } from './chosen.ts'

export const platform = await loadPlatform()
