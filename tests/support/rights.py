"""How does a test that runs as root find out what happens to others?"""

import ctypes
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

# linux/capability.h: the version of the two structures, and what root may do in spite of modes.
VERSION = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


class Header(ctypes.Structure):
    _fields_ = [('version', ctypes.c_uint32), ('pid', ctypes.c_int)]


class Data(ctypes.Structure):
    _fields_ = [('effective', ctypes.c_uint32), ('permitted', ctypes.c_uint32),
                ('inheritable', ctypes.c_uint32)]  # fmt: skip


@contextmanager
def as_modes_say():
    """Let this thread read and write only what the modes of files allow, root or not."""
    if os.geteuid() != 0:
        yield
        return
    data = _call('capget', (Data * 2)())
    effective = data[0].effective
    data[0].effective = effective & ~(DAC_OVERRIDE | DAC_READ_SEARCH)
    _call('capset', data)
    try:
        yield
    finally:
        data[0].effective = effective
        _call('capset', data)


def interpreter_of(path, user, group, umask):
    """Write a program that runs this Python as another user, and return its path.

    None where nobody can be another user. Python itself may be where only root gets to, so
    reading is not limited; writing is.
    """
    if os.geteuid() != 0 or shutil.which('setpriv') is None:
        return None
    capability = '-all,+dac_read_search'
    command = (
        f'setpriv --reuid={user} --regid={user} --groups={group} '
        f'--inh-caps={capability} --ambient-caps={capability} {sys.executable}'
    )
    path.write_text(f'#!/bin/sh\numask {umask:03o}\nexec {command} "$@"\n')
    path.chmod(0o755)
    works = subprocess.run([str(path), '-c', 'import os; print(os.getuid())'],
                           capture_output=True, text=True)  # fmt: skip
    return path if works.stdout == f'{user}\n' else None


def _call(name, data):
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(ctypes.byref(Header(VERSION, 0)), data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return data
