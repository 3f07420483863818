"""What does a server answer that can reach nothing but itself?

A namespace of its own has all ports, and no network but `lo`; it takes all its processes with it.
"""

import fcntl
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

HOST, PORT = '127.0.0.1', 8080
# linux/if.h, linux/sockios.h
_UP, _SET_FLAGS = 0x1 | 0x8 | 0x40, 0x8914


def alone(*command):
    """Return a command that runs another one without a network."""
    options = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']
    return ['unshare', *([] if os.geteuid() == 0 else ['-r']), *options, '--', *map(str, command)]


def get(command, directory, env, timeout=60):
    """Start a server and return {'status', 'body', 'seconds'} of its first answer, or fail."""
    arguments = alone(sys.executable, Path(__file__), timeout, *command)
    done = subprocess.run(
        arguments, cwd=directory, env=env, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=timeout + 30)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def main(timeout, *command):
    """In the namespace: run the server, ask it, and end it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack('16sh14x', b'lo', _UP))
    started = time.monotonic()
    server = subprocess.Popen(command, stdout=sys.stderr)
    try:
        while True:
            answer = _answer()
            if answer is not None:
                seconds = time.monotonic() - started
                json.dump({**answer, 'seconds': seconds}, sys.stdout)
                return
            if server.poll() is not None or time.monotonic() - started > float(timeout):
                sys.exit(f'no answer from {command}, which ended with {server.poll()}')
            time.sleep(0.05)
    finally:
        server.kill()
        server.wait()


def _answer():
    connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    try:
        connection.request('GET', '/')
        response = connection.getresponse()
        return {'status': response.status, 'body': response.read().decode('utf-8', 'replace')}
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


if __name__ == '__main__':
    main(*sys.argv[1:])
