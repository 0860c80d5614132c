/** What tells this Windows from others: made when it was installed. */
import { runProgram } from './run-program.ts'

const KEY = String.raw`HKLM\SOFTWARE\Microsoft\Cryptography`

export async function readMachineGuid(): Promise<string | null> {
  // A program of 32 bits would look into a part of the registry of its own.
  const asked = ['query', KEY, '/v', 'MachineGuid', '/reg:64']
  const answer = await runProgram('reg.exe', asked).catch(() => '')
  return parseMachineGuid(answer)
}

export function parseMachineGuid(answer: string): string | null {
  return /\bMachineGuid\s+REG_SZ\s+([0-9a-f-]{36})\b/i.exec(answer)?.[1]?.toLowerCase() ?? null
}
