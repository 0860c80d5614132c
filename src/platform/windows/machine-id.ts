/** Identifies this installation of Windows: made by its setup. */
import { runSystemProgram } from './run-program.ts'

const REGISTRY_KEY = String.raw`HKLM\SOFTWARE\Microsoft\Cryptography`

export async function readMachineGuid(): Promise<string | null> {
  // A 32-bit program has a view of the registry of its own.
  const asked = ['query', REGISTRY_KEY, '/v', 'MachineGuid', '/reg:64']
  const answer = await runSystemProgram('reg.exe', asked).catch(() => '')
  return parseMachineGuid(answer)
}

export function parseMachineGuid(answer: string): string | null {
  return /\bMachineGuid\s+REG_SZ\s+([0-9a-f-]{36})\b/i.exec(answer)?.[1]?.toLowerCase() ?? null
}
