/** Set-up of the project `unit`: what starts a process or opens a port there fails, and says where it belongs. */
import childProcess, { ChildProcess } from 'node:child_process'
import { Socket as UdpSocket } from 'node:dgram'
import { syncBuiltinESMExports } from 'node:module'
import { Server, Socket } from 'node:net'

function refusing(what: string): () => never {
  return () => {
    throw new Error(
      `A unit test ${what}: end the name of its file with .process.test.ts (see test/projects.ts).`,
    )
  }
}

const noProcess = refusing('starts a process')

// All that do not wait for the process's end go through this method.
Object.assign(ChildProcess.prototype, { spawn: noProcess })
Object.assign(childProcess, {
  spawnSync: noProcess,
  execSync: noProcess,
  execFileSync: noProcess,
})
Server.prototype.listen = refusing('opens a port')
UdpSocket.prototype.bind = refusing('opens a port')
Socket.prototype.connect = refusing('opens a connection')
// For modules that import these by their names.
syncBuiltinESMExports()
