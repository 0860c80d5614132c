// Runs the model checker Spin on docs/many-hosts.pml. `npm run model` checks the small configuration, `-- --large` the large one,
// `-- --large --minutes 15` as much of it as fits; `-- --broken` shows that each broken rule is found, `-- --broken NAME` one of them, with the steps that lead to it.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const model = join(import.meta.dirname, '..', 'docs', 'many-hosts.pml')

const SOUND = {
  machines: 'CRASH STOP CUT LATE',
  disks: 'CRASH CUT ANSWER DISK ROLLBACK STATE_LOST NO_SHARE',
  'lost commits': 'CRASH LOSS',
  'two primaries': 'CRASH SPLIT',
  'copied machine': 'CRASH CLONE',
  'a home again, machines': 'CALM CRASH STOP CUT LATE',
  'a home again, disks': 'CALM CRASH ANSWER DISK ROLLBACK STATE_LOST NO_SHARE',
  'a home again, database': 'CALM CRASH LOSS SPLIT',
}

/** Each switch that breaks a rule (BREAK_n_…) or undoes an amendment (DRAFT_…), with the faults that show it. */
const BROKEN = {
  BREAK_1_UNCONFIRMED: 'CRASH CUT',
  BREAK_1_GAP: 'STOP CUT',
  BREAK_1_LOOK: 'CRASH CLONE',
  BREAK_1_ONE_STATEMENT: 'CRASH CUT',
  BREAK_2_CATCH_UP: 'CALM CRASH',
  BREAK_3_NUMBER: 'CRASH LOSS',
  BREAK_3_REVISION: 'CRASH',
  BREAK_3_MOVE: 'CRASH LATE',
  BREAK_4_BEATS: 'CRASH',
  BREAK_4_YOUNG: 'CRASH LOSS',
  BREAK_4_SPLIT: 'CRASH SPLIT',
  BREAK_5_GUARD: 'CRASH LATE',
  BREAK_5_REMOVE: 'CRASH LATE',
  BREAK_5_REPUBLISH: 'CRASH LOSS',
  BREAK_6_SHARE: 'CRASH NO_SHARE',
  BREAK_6_MOVED: 'CRASH NO_SHARE',
  BREAK_7_ONCE: 'CRASH',
  BREAK_7_REVOKE: 'CRASH',
  BREAK_8_INSTANCE: 'CRASH CLONE',
  DRAFT_YOUNG: 'CRASH LOSS',
  DRAFT_SPLIT: 'CRASH SPLIT',
  DRAFT_CLONE: 'CRASH CLONE',
  DRAFT_PUBLISH: 'CRASH LOSS',
  DRAFT_QUEUE: 'CRASH LOSS',
  DRAFT_HAND_OVER: 'CRASH LOSS',
  DRAFT_BEAT: 'CRASH CUT',
  DRAFT_MARK: 'CRASH',
  DRAFT_OWNER: 'CRASH ROLLBACK',
  DRAFT_HALT: 'CRASH CLONE',
  DRAFT_TAKER: 'CRASH CLONE',
  DRAFT_PROCESS: 'CRASH CLONE',
  DRAFT_CATCH_UP: 'CRASH LOSS',
  DRAFT_NUMBER: 'CRASH LOSS',
}

/** What shows only with a third fault. */
const DEEP = new Set(['DRAFT_NUMBER'])

const SMALL = ['K=2', 'FAULTS=2', 'WORDS=2', 'RECORDS=3']
/** The return to calm is looked at from each state, so that one fault fills the minute. */
const SMALL_CALM = ['K=2', 'FAULTS=1', 'WORDS=2', 'RECORDS=3']
const MIDDLE = ['K=2', 'FAULTS=2', 'WORDS=2', 'RECORDS=4']
/** Not for the copied machine: docs/many-hosts-model.md, Open. */
const DEEPER = ['K=2', 'FAULTS=3', 'WORDS=2', 'RECORDS=4']
const LARGE = [MIDDLE, DEEPER, ['K=3', 'FAULTS=1', 'WORDS=2', 'RECORDS=3']]

requireProgram('spin', '-V')
requireProgram('gcc', '--version')
const directory = mkdtempSync(join(tmpdir(), 'evo-token-model-'))
try {
  process.exitCode = run(process.argv.slice(2)) ? 0 : 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function run(all) {
  const at = all.indexOf('--minutes')
  const minutes = at < 0 ? Infinity : Number(all[at + 1])
  if (!(minutes > 0)) {
    process.stderr.write('--minutes needs a number.\n')
    return false
  }
  const options = at < 0 ? all : all.toSpliced(at, 2)
  const named = options.filter((option) => !option.startsWith('--'))
  const unknown = named.find((name) => !(name in BROKEN))
  if (unknown !== undefined) {
    process.stderr.write(
      `No switch is called ${unknown}. There are: ${Object.keys(BROKEN).join(', ')}\n`,
    )
    return false
  }
  if (options.includes('--broken')) {
    const chosen = named.length > 0 ? named : Object.keys(BROKEN)
    return chosen.map((name) => findsViolation(name, named.length > 0)).every(Boolean)
  }
  const names = Object.keys(SOUND)
  const chosen = options.includes('--large')
    ? LARGE.flatMap((bounds) => names.map((name) => [name, bounds])).filter(
        ([name, bounds]) => name !== 'copied machine' || bounds !== DEEPER,
      )
    : names.map((name) => [name, SOUND[name].startsWith('CALM') ? SMALL_CALM : SMALL])
  const endsAt = Date.now() + minutes * 60_000
  return chosen
    .map(([name, bounds], index) => {
      // What one does not use of its share is for those after it.
      const limitMs = (endsAt - Date.now()) / (chosen.length - index)
      return holds(name, bounds, Math.max(1_000, limitMs))
    })
    .every(Boolean)
}

/** Whether no violation was found, in all states or, with a limit, in as many as there was time for. */
function holds(name, bounds, limitMs) {
  const { violated, complete, figures, steps } = check(SOUND[name], bounds, [], { limitMs })
  const verdict = violated ? 'VIOLATED' : complete ? 'holds' : 'NOT FINISHED, no violation so far'
  process.stdout.write(`${name} (${bounds.join(' ')}): ${verdict}; ${figures}\n`)
  if (violated) process.stdout.write(steps)
  return !violated && (complete || limitMs !== Infinity)
}

function findsViolation(name, withSteps) {
  // Breadth first: the shortest way to the violation; it takes too much memory for the deep ones.
  const isDeep = DEEP.has(name)
  const bounds = isDeep ? DEEPER : MIDDLE
  const compile = isDeep ? [] : ['-DBFS']
  const { violated, figures, steps } = check(BROKEN[name], bounds, [name], { compile })
  process.stdout.write(
    `${name}: ${violated ? 'a violation is found' : 'NO VIOLATION'}; ${figures}\n`,
  )
  if (violated && withSteps) process.stdout.write(steps)
  return violated
}

/** Lets Spin write the checker, compiles it and runs it in the temporary directory. */
function check(faults, bounds, switches, { compile = [], limitMs = Infinity }) {
  const world = faults.split(' ').map((fault) => (fault === 'CALM' ? fault : `FAULT_${fault}`))
  const defines = [...world, ...bounds, ...switches].map((define) => `-D${define}`)
  call('spin', ['-a', ...defines, model])
  // One core, 3.5 GB at most; safety only, since no invariant here speaks of endless runs.
  call('gcc', ['-O1', '-w', '-DSAFETY', '-DMEMLIM=3500', ...compile, '-o', 'checker', 'pan.c'])
  const trail = join(directory, 'many-hosts.pml.trail')
  rmSync(trail, { force: true })
  const output = callWithin(limitMs, './checker', ['-E', '-m100000', '-w24'])
  const violated = existsSync(trail)
  return {
    violated,
    complete: !/Search not completed|max search depth too small|Interrupted/.test(output),
    figures: `${number(output, /([\d.e+]+) states, stored/)} states, ${number(output, /([\d.]+)\s+total actual memory/)} MB, ${number(output, /elapsed time ([\d.]+)/)} s`,
    steps: violated ? stepsOf(call('./checker', ['-r', 'many-hosts.pml.trail'])) : '',
  }
}

function stepsOf(replay) {
  const step = /^\s*((?:keeper \d|machine \d|person|the|a|all|time)(?::| ).*)$/
  const lines = replay.split('\n').flatMap((line) => step.exec(line)?.[1] ?? [])
  return `${lines.map((line) => `    ${line}`).join('\n')}\n`
}

function number(output, pattern) {
  return pattern.exec(output)?.[1] ?? '?'
}

/** The checker tells what it has seen when it is interrupted. */
function callWithin(limitMs, command, args) {
  if (limitMs === Infinity) return call(command, args)
  return call('timeout', ['--signal=INT', String(limitMs / 1000), command, ...args])
}

function call(command, args) {
  const { stdout, stderr, error, signal } = spawnSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error ?? signal) throw new Error(`${command} did not run: ${error?.message ?? signal}`)
  return stdout + stderr
}

function requireProgram(name, option) {
  const { error } = spawnSync(name, [option])
  if (error === undefined) return
  process.stderr.write(
    `The model needs ${name}, which is not installed. On Debian: apt-get install spin gcc\n`,
  )
  process.exit(1)
}
