/** The answer of `GET /v1/share`, as far as the commands show it. */

export interface ShareStatus {
  readonly shared?: boolean
  readonly role?: string
  readonly name?: string
  readonly confirmed?: boolean
  readonly message?: string | null
  readonly database?: {
    readonly hosts: readonly string[]
    readonly primaries: readonly string[]
    readonly latency_ms: number | null
    readonly error: string | null
    /** Absent from an older daemon. */
    readonly servers?: readonly ShareServer[]
  }
  readonly keepers?: readonly {
    readonly name: string
    readonly host: string
    readonly version: string
    readonly beat_at: string | null
    readonly alive: boolean
    readonly same_apps: boolean
    readonly same_key: boolean
  }[]
  readonly apps?: readonly {
    readonly app: string
    readonly home: string | null
    readonly here: boolean
    readonly published: boolean | null
  }[]
}

/** One server of the database. */
export interface ShareServer {
  readonly host: string
  readonly error: string | null
  readonly tls: boolean
  readonly takes_writes: boolean | null
  readonly version: string | null
  readonly schema_version: number | null
  readonly rights: 'keeper' | 'reader' | 'none' | null
  readonly readable_apps: readonly string[] | null
}
