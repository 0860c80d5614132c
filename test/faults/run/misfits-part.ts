/** Vaults that do not fit: each kind once. */
import { lockOut, MISFITS } from '../misfits.ts'
import { type Measured, wrongOf } from './part.ts'

export async function measureMisfits(): Promise<Measured> {
  const rows: string[] = []
  let moved = 0
  for (const misfit of MISFITS) {
    const { token, moved: files, requests } = await lockOut(misfit)
    moved += files.length
    const answer = `${token.status} \`${String(token.body.error)}\``
    rows.push(`| ${misfit.what} | ${answer} | ${files.length} | ${requests} |`)
  }
  return {
    outcomes: { 9: `${MISFITS.length} kinds: ${moved} files moved` },
    section: `| the vault has | a caller gets | files moved | requests to the server |
|---|---|---|---|
${rows.join('\n')}

Once it fits again, every session is there.
`,
    wrong: wrongOf({ 'files moved in a vault that does not fit': moved }),
  }
}
