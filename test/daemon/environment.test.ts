import { describe, expect, it } from 'vitest'
import { refuseUnsafeEnvironment } from '../../src/daemon/environment.ts'

describe('refuseUnsafeEnvironment', () => {
  it.each([
    [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /NODE_TLS_REJECT_UNAUTHORIZED=0/],
    [{ NODE_DEBUG: 'http' }, /NODE_DEBUG/],
    [{ NODE_DEBUG_NATIVE: 'tls' }, /NODE_DEBUG_NATIVE/],
    [{ NODE_OPTIONS: '--inspect' }, /--inspect in NODE_OPTIONS/],
    [{ NODE_OPTIONS: '--max-old-space-size=100 --inspect-brk=0' }, /--inspect-brk in NODE_OPTIONS/],
    [{ NODE_OPTIONS: '--tls-keylog=/tmp/keys' }, /--tls-keylog/],
    [{ NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2' }, /--heapsnapshot-signal/],
    [{ NODE_OPTIONS: '--tls_keylog=/tmp/keys' }, /--tls-keylog in NODE_OPTIONS/],
    [{ NODE_OPTIONS: '-"-inspect=0"' }, /--inspect in NODE_OPTIONS/],
    [{ NODE_OPTIONS: '"--in\\spect"' }, /--inspect in NODE_OPTIONS/],
    [{ NODE_OPTIONS: '--trace-event-categories=node.http' }, /--trace-event-categories/],
  ])('refuses %o', (env, message) => {
    expect(() => {
      refuseUnsafeEnvironment(env, [])
    }).toThrow(message)
  })

  it('refuses an inspector on the command line of node', () => {
    expect(() => {
      refuseUnsafeEnvironment({}, ['--inspect=9229'])
    }).toThrow(/--inspect in the command line/)
  })

  it('takes what opens nothing', () => {
    expect(() => {
      refuseUnsafeEnvironment(
        { NODE_OPTIONS: '--max-old-space-size=200', NODE_EXTRA_CA_CERTS: '/etc/ca.pem' },
        ['--enable-source-maps'],
      )
    }).not.toThrow()
  })
})
