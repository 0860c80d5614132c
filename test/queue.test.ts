import { describe, expect, it } from 'vitest'
import { Queue, Queues } from '../src/queue.ts'

/** Pieces of work, each of which ends when it is told to; `steps` says in which order. */
function pieces() {
  const steps: string[] = []
  const ends = new Map<string, () => void>()
  return {
    steps,
    piece: (name: string) => async () => {
      steps.push(`${name} begins`)
      await new Promise<void>((resolve) => ends.set(name, resolve))
      steps.push(`${name} ends`)
      return name
    },
    end: (name: string) => ends.get(name)?.(),
  }
}

/** Lets everything that can go on without an event do so. */
const idle = () => new Promise((resolve) => setImmediate(resolve))

describe('a queue', () => {
  it('runs its work in the order it came, one piece after another', async () => {
    const { steps, piece, end } = pieces()
    const queue = new Queue()
    const results = Promise.all([queue.run(piece('first')), queue.run(piece('second'))])
    await idle()
    expect(steps).toEqual(['first begins'])
    end('first')
    await idle()
    expect(steps).toEqual(['first begins', 'first ends', 'second begins'])
    end('second')
    expect(await results).toEqual(['first', 'second'])
  })

  it('goes on after a piece that failed', async () => {
    const queue = new Queue()
    const failed = queue.run(() => Promise.reject(new Error('no')))
    const next = queue.run(async () => 'next')
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('next')
  })

  it('is settled when everything asked for is done', async () => {
    const { steps, piece, end } = pieces()
    const queue = new Queue()
    void queue.run(piece('only'))
    const settled = queue.drain().then(() => steps.push('settled'))
    await idle()
    end('only')
    await settled
    expect(steps).toEqual(['only begins', 'only ends', 'settled'])
  })
})

describe('queues by key', () => {
  it('run work of one key in its order, and of different keys at once', async () => {
    const { steps, piece, end } = pieces()
    const queues = new Queues()
    const all = [
      queues.run('a', piece('a1')),
      queues.run('a', piece('a2')),
      queues.run('b', piece('b1')),
    ]
    await idle()
    expect(steps).toEqual(['a1 begins', 'b1 begins'])
    end('a1')
    await idle()
    expect(steps.slice(2)).toEqual(['a1 ends', 'a2 begins'])
    end('b1')
    end('a2')
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'b1'])
  })

  it('keep the order of a key that was idle in between', async () => {
    const { steps, piece, end } = pieces()
    const queues = new Queues()
    const first = queues.run('a', piece('first'))
    await idle()
    end('first')
    await first
    void queues.run('a', piece('second'))
    const third = queues.run('a', piece('third'))
    const settled = queues.drain()
    await idle()
    end('second')
    await idle()
    end('third')
    await Promise.all([third, settled])
    expect(steps.at(-1)).toBe('third ends')
    expect(steps.indexOf('second ends')).toBeLessThan(steps.indexOf('third begins'))
  })
})
