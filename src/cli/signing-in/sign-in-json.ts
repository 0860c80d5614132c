/** A sign-in, in the daemon's JSON. */

export interface StartedInBrowser {
  readonly id: string
  readonly authorization_url: string
  readonly open_url: string | null
  /** Absent from daemons of version 0.1.0, which refuse to start where the port is taken. */
  readonly listening?: boolean
  readonly busy_port?: number | null
  readonly busy_port_user?: 'own' | 'other' | 'unknown' | null
}

export interface StartedOnDevice {
  readonly id: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string | null
}

export type StartedJson = StartedInBrowser | StartedOnDevice

export interface SignInJson {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly error: string | null
  readonly message: string | null
  readonly subject: string | null
  readonly scope: string | null
  readonly expires_at: string | null
  /** Absent from daemons of version 0.1.0. */
  readonly visited?: boolean
  readonly https_tried?: boolean
}
