/** The demo's live table: rewritten in place on a terminal, one line per change elsewhere. */
export interface Row {
  readonly app: string
  readonly type: string
  readonly fingerprint: string
  readonly secondsLeft: number
  readonly refreshes: number
}

export function createScreen(output: NodeJS.WriteStream): { show(rows: readonly Row[]): void } {
  let drawn = 0
  let last = ''
  return {
    show(rows) {
      if (output.isTTY) {
        const lines = [line('APP', 'TYPE', 'TOKEN', 'TIME LEFT', 'REFRESHES'), ...rows.map(lineOf)]
        const up = drawn > 0 ? `\u001b[${drawn}A` : ''
        output.write(`${up}${lines.map((each) => `\u001b[2K${each}\n`).join('')}`)
        drawn = lines.length
        return
      }
      const state = rows.map(({ app, fingerprint }) => `${app} ${fingerprint}`).join('\n')
      if (state === last) return
      last = state
      output.write(`${rows.map(lineOf).join('\n')}\n`)
    },
  }
}

function lineOf({ app, type, fingerprint, secondsLeft, refreshes }: Row): string {
  return line(app, type, fingerprint, `${secondsLeft} s`, String(refreshes))
}

function line(...[app = '', type = '', token = '', left = '', refreshes = '']: string[]): string {
  return `${app.padEnd(16)}${type.padEnd(10)}${token.padEnd(12)}${left.padEnd(12)}${refreshes}`
}
