/**
 * Runs one keytar call in a child process with a time limit: an unanswered call blocks every file
 * operation of its process, some end it with a segmentation fault, and none can be cancelled.
 *
 * The program is a text for `node -e`, so that it is the same whether this file runs from `src` or
 * is bundled. Question and answer go through pipes: argv and environment hold no secret.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Queue } from '../../../queue.ts'

const CHILD_PROGRAM = `
let question = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk) => { question += chunk })
process.stdin.on('end', async () => {
  let answer
  try {
    const { operation, values } = JSON.parse(question)
    answer = { value: (await require(process.argv[1])[operation](...values)) ?? null }
  } catch (error) {
    answer = { error: error.message }
  }
  process.stdout.write(JSON.stringify(answer))
})
`

export interface KeychainQuestion {
  readonly operation: 'getPassword' | 'setPassword' | 'deletePassword'
  readonly values: readonly string[]
}

export type KeychainAnswer =
  | { readonly kind: 'answered'; readonly value: string | boolean | null }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'timeout' }
  /** keytar or Node is not where it was: both were replaced or removed below a running daemon. */
  | { readonly kind: 'gone' }

const PROGRAM_GONE = { kind: 'gone' } as const

/** One question at a time: dialogs would pile up, and so would blocked calls. */
const questions = new Queue()

export function askKeychain(
  question: KeychainQuestion,
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<KeychainAnswer> {
  return questions.run(() => askChild(question, env, timeoutMs))
}

async function askChild(
  question: KeychainQuestion,
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<KeychainAnswer> {
  let keytar: string
  try {
    keytar = findKeytar()
  } catch {
    return PROGRAM_GONE
  }
  // Settings for the daemon's own Node (a debugger, certificates) do not apply here.
  const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, ...kept } = env
  const child = spawn(process.execPath, ['-e', CHILD_PROGRAM, keytar], {
    env: kept,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: timeoutMs,
    // While a call is unanswered, exit() hangs.
    killSignal: 'SIGKILL',
    windowsHide: true,
  })
  const closed = new Promise<string | number | null>((resolve) => {
    child.once('error', () => {
      resolve('error')
    })
    child.once('close', (code, signal) => {
      resolve(signal ?? code)
    })
  })
  // A child that dies before it has read its question shows that by its exit code or signal.
  child.stdin.on('error', () => undefined).end(JSON.stringify(question))
  const [end, answer] = await Promise.all([closed, text(child.stdout)])
  if (child.killed) return { kind: 'timeout' }
  if (end === 'error') return PROGRAM_GONE
  return answer === ''
    ? { kind: 'failed', message: `keytar ended with ${end}` }
    : parseChildAnswer(answer)
}

/** The published package has keytar and its binaries beside this file. */
function findKeytar(): string {
  const shipped = join(import.meta.dirname, 'keytar/keytar.js')
  return existsSync(shipped) ? shipped : createRequire(import.meta.url).resolve('keytar')
}

function parseChildAnswer(answer: string): KeychainAnswer {
  let parsed: { readonly value: string | boolean | null; readonly error?: string }
  try {
    parsed = JSON.parse(answer) as typeof parsed
  } catch {
    // The parser's message would quote the answer, which may be the key.
    return { kind: 'failed', message: 'keytar gave no answer that can be read' }
  }
  const { value, error } = parsed
  if (error?.startsWith('Cannot find module')) return PROGRAM_GONE
  return error === undefined ? { kind: 'answered', value } : { kind: 'failed', message: error }
}
