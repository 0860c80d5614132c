"""Tries what a taken-over daemon would try, and prints what came of each: "done", or the error's name."""

import ctypes
import errno
import json
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), 'refused')


def write_in(directory):
    os.close(os.open(f'{directory}/{os.getpid()}', os.O_WRONLY | os.O_CREAT))


ATTEMPTS = {
    # All users may write into these: only a sandbox is in the way.
    'writes to /usr': lambda: write_in('/usr/local/open'),
    'writes to /etc': lambda: write_in('/etc/open'),
    'writes to /srv': lambda: write_in('/srv/open'),
    'writes to another home': lambda: write_in('/home/open'),
    'reads another home': lambda: os.listdir('/home/open'),
    'reads the shared /tmp': lambda: os.stat('/tmp/of-another'),
    'reaches a device': lambda: os.stat('/dev/of-the-machine'),
    'sees other processes': lambda: os.stat('/proc/1'),
    'reads the kernel in /proc': lambda: os.stat('/proc/meminfo'),
    'opens a packet socket': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    'opens a Bluetooth socket': lambda: socket.socket(31, socket.SOCK_RAW, 1),
    'opens a netlink socket': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    'traces a process': lambda: call(libc.ptrace, 0, 0, 0, 0),
    'makes a namespace': lambda: call(libc.unshare, 0x10000000),
    'makes a set-user-id file': lambda: os.fchmod(os.memfd_create('file'), 0o4755),
    'becomes another kind of Linux': lambda: call(libc.personality, 8),
}


def outcome(attempt):
    try:
        attempt()
        return 'done'
    except OSError as error:
        return errno.errorcode[error.errno]


print(json.dumps({name: outcome(attempt) for name, attempt in ATTEMPTS.items()}))
