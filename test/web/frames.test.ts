import { beforeEach, describe, expect, it } from 'vitest'
import { createFrames } from '../../src/web/frames.ts'

let callbacks: (() => void)[]
let drawn: string[]
let now: number

beforeEach(() => {
  callbacks = []
  drawn = []
  now = 0
})

const deps = {
  inNextFrame: (draw: () => void) => callbacks.push(draw),
  now: () => now,
}

function nextFrame(): void {
  for (const callback of callbacks.splice(0)) callback()
}

function note(name: string): () => undefined {
  return () => {
    drawn.push(name)
    return undefined
  }
}

/** Each piece takes 4 ms. */
function* inPieces(name: string, count: number): Generator<undefined> {
  for (let piece = 1; piece <= count; piece++) {
    drawn.push(`${name} ${piece}`)
    now += 4
    yield
  }
}

describe('frames', () => {
  it('draw one thing each, once for all that is asked under one name', () => {
    const frames = createFrames(deps)
    frames.ask('page', note('page'))
    frames.ask('plot', note('plot'))
    frames.ask('page', note('page again'))
    nextFrame()
    expect(drawn).toEqual(['page again'])
    nextFrame()
    nextFrame()
    expect(drawn).toEqual(['page again', 'plot'])
    expect(callbacks).toEqual([])
  })

  it('leave a long drawing until the next frame, and begin it anew after it where it is old', () => {
    const frames = createFrames(deps)
    frames.ask('plot', () => inPieces('old', 3))
    nextFrame()
    expect(drawn).toEqual(['old 1', 'old 2'])
    // What changes all the time is drawn to its end all the same, and keeps nothing else waiting.
    frames.ask('plot', () => inPieces('new', 1))
    frames.ask('page', note('page'))
    for (let frame = 0; frame < 4; frame++) nextFrame()
    expect(drawn).toEqual(['old 1', 'old 2', 'old 3', 'page', 'new 1'])
    expect(callbacks).toEqual([])
  })

  it('draw in the next one what a drawing asks for while it draws', () => {
    const frames = createFrames(deps)
    let left = 3
    const drawSome = () => {
      drawn.push(`${left} left`)
      if (--left > 0) frames.ask('page', drawSome)
      return undefined
    }
    frames.ask('page', drawSome)
    for (let frame = 0; frame < 3; frame++) nextFrame()
    expect(drawn).toEqual(['3 left', '2 left', '1 left'])
    expect(callbacks).toEqual([])
  })

  it('draw on after a drawing that failed', () => {
    const frames = createFrames(deps)
    frames.ask('plot', () => {
      throw new Error('no canvas')
    })
    frames.ask('page', note('page'))
    expect(nextFrame).toThrow('no canvas')
    nextFrame()
    expect(drawn).toEqual(['page'])
  })
})
