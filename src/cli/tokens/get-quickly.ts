/** `get APP`, also with `--header` or `--json`, without the table of commands and the parser. */
import { NAME_PATTERN } from '../../core/names.ts'
import { type PrintTokenOptions, printToken } from './print-token.ts'

/** Resolves with the exit code; undefined for any other command line. */
export function getQuickly(argv: readonly string[]): Promise<number> | undefined {
  const [command, app = '', option, ...more] = argv
  const form = option === '--header' ? 'header' : option === '--json' ? 'json' : undefined
  const isPlain = more.length === 0 && (option === undefined || form !== undefined)
  return command === 'get' && NAME_PATTERN.test(app) && isPlain
    ? printAndEnd(app, form && { form })
    : undefined
}

async function printAndEnd(app: string, options?: PrintTokenOptions): Promise<number> {
  const { env } = process
  const say = (words: string) => process.stderr.write(`${words}\n`)
  try {
    // Node takes a millisecond to take itself apart.
    if (await printToken(app, { env, say }, process, options)) process.exit(0)
    return 0
  } catch (error) {
    const { reportFailure } = await import('../failures.ts')
    return reportFailure(error, process)
  }
}
