import { describe, expect, it } from 'vitest'
import {
  candidatesOf,
  gluedIn,
  mayBeGlued,
  phrasesIn,
  runsIn,
  valuesIn,
  candidateWords,
} from '../../../src/cli/guard/candidates.ts'
import { decodeForms } from '../../../src/cli/guard/forms.ts'

/** What a line is compared for first, with every form of it. */
function candidatesIn(line: string): Set<string> {
  const forms = [...decodeForms(line)]
  const runs = forms.flatMap((form) => [...runsIn(form)])
  return new Set([
    ...runs.flatMap((run) => [...candidatesOf(run)]),
    ...forms.flatMap((form) => [...phrasesIn(form)]),
  ])
}

describe('candidatesIn', () => {
  const OPAQUE = 'Zm9v+YmFy/cXV4~dGhl_ZW5k.b2Y-aXQ'

  it.each([
    ['alone', OPAQUE],
    ['a variable', `REFRESH_TOKEN=${OPAQUE}`],
    ['an exported variable', `export A='${OPAQUE}'`],
    ['JSON', `  "refresh_token": "${OPAQUE}",`],
    ['YAML', `token: ${OPAQUE}`],
    ['Python', `get(token="${OPAQUE}", other=1)`],
    ['a sentence', `The token is ${OPAQUE}.`],
    ['a query', `http://localhost/x?a=1&token=${OPAQUE}&b=2`],
    ['a padded value', `secret=${OPAQUE}==`],
    ['a URL, encoded', `http://localhost/x?token=${encodeURIComponent(OPAQUE)}`],
    ['a path', `http://localhost/hook/Zm9vYmFycXV4dGhlZW5k/`, 'Zm9vYmFycXV4dGhlZW5k'],
    ['a padded value, whole', 'secret=Zm9vYmFycXV4dGhlZW5kYg==', 'Zm9vYmFycXV4dGhlZW5kYg=='],
    ['quotes, with other characters', 'x = "pa$$ with, all {kinds}!"', 'pa$$ with, all {kinds}!'],
    ['backquotes', 'x = `pa$$,with,all,kinds!`', 'pa$$,with,all,kinds!'],
    ['an assignment, with other characters', 'SECRET=pa$$,with,all,kinds!', 'pa$$,with,all,kinds!'],
    ['a line of its own, with other characters', 'pa$$,with,all,kinds!', 'pa$$,with,all,kinds!'],
    ['a quoted word in quotes', `x = "'pa$$ with, all {kinds}!'"`, 'pa$$ with, all {kinds}!'],
  ])('has the whole secret from %s', (_, line, secret = OPAQUE) => {
    expect(candidatesIn(line)).toContain(secret)
  })

  it('has nothing of ordinary words', () => {
    expect(candidatesIn("import { describe, expect, it } from 'vitest'").size).toBe(0)
  })

  it('has no coordinate of a map', () => {
    const map = '[[-122.41941550000001,37.77492950000001],[1.0e-12345678901234,2.5E+1234567890123]]'
    expect([...runsIn(map)]).toEqual([])
  })

  it('takes a moment for what is nearly a coordinate', () => {
    const run = `${'1.'.repeat(8_000)}x`
    expect([...runsIn(`${run} `.repeat(500))]).toEqual(Array<string>(500).fill(run))
  }, 10_000)

  it('stays small whatever the line', () => {
    expect(candidatesIn('a='.repeat(50_000)).size).toBeLessThan(100)
    expect(candidatesIn('x'.repeat(1_000_000)).size).toBe(0)
  })
})

describe('gluedIn', () => {
  const OPAQUE = 'Zm9vYmFy-cXV4dGhl_ZW5kb2Y'

  it.each([
    `x${OPAQUE}`,
    `Bearer${OPAQUE}`,
    `Bearer+${OPAQUE}`,
    `Bearer_${OPAQUE}`,
    `my-old-token-${OPAQUE}`,
    `${OPAQUE}-old`,
    `${OPAQUE}.txt`,
    `${OPAQUE}nn`,
    `v1.${OPAQUE}.sig`,
    `v1.${OPAQUE}rn`,
    `n${OPAQUE}/x/y`,
  ])('finds a secret in %s', (run) => {
    expect([...gluedIn(run)]).toContain(OPAQUE)
  })

  it('cuts a bounded number of pieces out of the longest run', () => {
    expect([...gluedIn('aB3-'.repeat(1_000))].length).toBeLessThan(200)
  })

  it.each([
    '0123456789abcdef0123456789abcdef01234567',
    '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
    'sha512-n8Y2Yk0zT0o1c2xJcXlLZ0ZtQnJjSGc',
  ])('is not asked about %s, of which files are full', (run) => {
    expect(mayBeGlued(run)).toBe(false)
  })
})

describe('valuesIn', () => {
  it.each(['a1!'.repeat(1_365), 'a1:'.repeat(1_365), ':'.repeat(4_000)])(
    'cuts a bounded number of pieces out of the longest word, %.9s…',
    (word) => {
      expect([...valuesIn(word)].length).toBeLessThan(5_500)
    },
  )

  it('is not asked about longer words, nor about what no secret is', () => {
    expect([...candidateWords('a1!'.repeat(2_000))]).toEqual([])
    expect([...candidateWords(`a1!a1!a1!a1!a1!a1! ${'x '.repeat(50_000)}`)]).toEqual([])
    expect([...candidateWords('describe(something.other,(resolve)=>{resolve()})')]).toEqual([])
    expect([...candidateWords('Zm9vYmFyMXV4dGhlZW5k')]).toEqual([])
  })
})
