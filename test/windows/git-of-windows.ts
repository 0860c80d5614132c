/**
 * A git.exe: no registry has a git for Windows, so this one, which Wine starts as any program, has its calls done by
 * the git of this machine. Its launcher is that of Python's setuptools, which runs the script beside it.
 */
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { Windows } from '../support/wine.ts'

/** Not imported: this version is older than some versions of Python. */
const FIND = `import importlib.util; print(importlib.util.find_spec('setuptools').origin)`

function findLauncher(): string | undefined {
  const { stdout, status } = spawnSync(process.env.EVO_TOKEN_PYTHON ?? 'python3', ['-c', FIND])
  return status === 0 ? join(dirname(String(stdout).trim()), 'cli-64.exe') : undefined
}

const LAUNCHER = findLauncher()

export const noLauncher =
  LAUNCHER === undefined ? 'EVO_TOKEN_PYTHON names no Python with setuptools' : undefined

/** Puts a program of this name, which runs `script`, into a directory of Windows. */
export function plant(windows: Windows, directory: string, name: string, script: string): void {
  const local = windows.local(directory)
  mkdirSync(local, { recursive: true })
  copyFileSync(LAUNCHER ?? '', join(local, `${name}.exe`))
  writeFileSync(join(local, `${name}-script.py`), `#!${windows.nodeExe}\n${script}`)
}

interface Call {
  readonly args: readonly string[]
  readonly cwd: string
  readonly input: string
}

/** Puts git.exe into `directory`. It takes paths of Windows, and answers with such. */
export async function installGit(windows: Windows, directory: string): Promise<AsyncDisposable> {
  const drive = windows.local('C:\\')
  const here = (path: string) =>
    /^z:\\/i.test(path) ? path.slice(2).replaceAll('\\', '/') : windows.local(path)
  const server = createServer((request, response) => {
    void (async () => {
      const { args, cwd, input } = (await json(request)) as Call
      const line = args.map((arg) => (/^[cz]:\\/i.test(arg) ? here(arg) : arg))
      const git = execFile('git', line, { cwd: here(cwd), encoding: 'latin1' }, (error, out) => {
        const text = args.includes('rev-parse') ? out.replaceAll(drive, 'C:/') : out
        response.setHeader('code', String(error ? (error.code ?? 1) : 0))
        response.end(text, 'latin1')
      })
      // It may end before it reads.
      git.stdin?.on('error', () => undefined).end(input)
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  plant(windows, directory, 'git', callOf(port))
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

const callOf = (port: number) => `
const { readFileSync, writeSync } = require('node:fs')
const args = process.argv.slice(2)
const input = args.includes('--stdin') ? readFileSync(0, 'utf8') : ''
const options = { host: '127.0.0.1', port: ${port}, method: 'POST', agent: false }
require('node:http').request(options, (answer) => {
  const pieces = []
  answer.on('data', (piece) => pieces.push(piece))
  answer.on('end', () => {
    const bytes = Buffer.concat(pieces)
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
    process.exit(Number(answer.headers.code))
  })
}).end(JSON.stringify({ args, cwd: process.cwd(), input }))
`
