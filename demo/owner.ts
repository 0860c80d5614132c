/** One request through the owner socket. */
import { request } from 'node:http'
import { json } from 'node:stream/consumers'

export async function ownerJson(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, method, path, headers: { host: 'localhost' } },
      (answer) => {
        json(answer).then((value) => {
          const body = value as Record<string, unknown>
          if (answer.statusCode === 200 || answer.statusCode === 201) resolve(body)
          else reject(new Error(`${method} ${path}: ${String(body.error)}: ${String(body.detail)}`))
        }, reject)
      },
    )
    outgoing.once('error', reject)
    outgoing.end()
  })
}
