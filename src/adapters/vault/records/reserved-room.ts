/** Which apps have room on disk for their next record. */
import { statSync } from 'node:fs'

interface Room {
  /** The generation whose successor the room is for. */
  readonly generation: number
  readonly bytes: number
}

export class ReservedRoom {
  readonly #rooms = new Map<string, Room>()

  remember(app: string, generation: number, bytes: number): void {
    this.#rooms.set(app, { generation, bytes })
  }

  forget(app: string): void {
    this.#rooms.delete(app)
  }

  isFor(app: string, generation: number): boolean {
    const room = this.#rooms.get(app)
    return room !== undefined && room.generation === generation
  }

  /** Whether the room for the successor of `generation` is still in the file at `path`. */
  isThere(app: string, generation: number, path: string): boolean {
    const room = this.#rooms.get(app)
    if (room?.generation !== generation) return false
    return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= room.bytes
  }
}
