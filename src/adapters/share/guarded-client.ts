/** A client of the driver for connections without TLS: it refuses to send its password in the clear. */
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import pg, { type ClientConfig } from 'pg'

/** What we rely on in the driver: its connection emits what the server asks for, and has the stream. */
interface DriverConnection extends EventEmitter {
  readonly stream: Duplex
}

export class GuardedClient extends pg.Client {
  constructor(config?: ClientConfig) {
    super(config)
    const { connection } = this as unknown as { readonly connection: DriverConnection }
    // Before the driver's own listener, which would answer.
    connection.on('authenticationCleartextPassword', () => {
      connection.stream.destroy(new Error(CLEARTEXT_REFUSED))
    })
  }
}

const CLEARTEXT_REFUSED =
  'it asks for the password in the clear: let pg_hba.conf ask for "scram-sha-256" or "peer"'
