"""Which wheel was this distribution installed from?

A wheel is made again of what pip installed, by its `RECORD`. Where nothing can be fetched, that is
how a distribution that is installed beside zc.buildout becomes an egg: buildout makes the egg of
the wheel as it always does.
"""

from __future__ import annotations

import base64
import configparser
import csv
import email
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from egg.cache.common.errors import CacheError

# What the installer wrote, and not the wheel (PEP 376, 610 and 627).
_BY_INSTALLER = frozenset({'INSTALLER', 'RECORD', 'REQUESTED', 'direct_url.json'})
_INFO = re.compile(r'(?P<name>[^-]+)-(?P<version>[^-]+)\.dist-info')
_SHEBANG = re.compile(rb'#!.*python[^\n]*')
_VERSION = re.compile(r'([\d.]+|\.exe)$')
_EXECUTABLE = 0o111


def rebuild(info: Path, directory: Path) -> Path:
    """Write the wheel of the distribution with the metadata directory `info` into `directory`.

    Returns its path. Raises `CacheError` if it can't be made: for an editable installation, one
    without `RECORD`, or one that is no longer what was installed.
    """
    name, version = _check(info)
    wheel = directory / f'{name}-{version}-{_tag(info)}.whl'
    rows = []
    with zipfile.ZipFile(wheel, 'w') as archive:
        for member in _members(info, f'{name}-{version}.data'):
            header = zipfile.ZipInfo(member.name, (1980, 1, 1, 0, 0, 0))
            header.external_attr = (0o100755 if member.is_executable else 0o100644) << 16
            archive.writestr(header, member.data)
            rows.append((member.name, member.digest, len(member.data)))
        record = io.StringIO()
        csv.writer(record, lineterminator='\n').writerows(
            [*rows, (f'{info.name}/RECORD', '', '')]
        )
        archive.writestr(
            zipfile.ZipInfo(f'{info.name}/RECORD', (1980, 1, 1, 0, 0, 0)), record.getvalue()
        )
    return wheel


def identity(info: Path) -> str:
    """Return the sha256 of what is installed, in hexadecimal digits: of all that `rebuild` takes.

    Every file is read and compared with `RECORD`. Raises `CacheError` as `rebuild`.
    """
    _check(info)
    found = hashlib.sha256(f'{info.name}\n'.encode())
    for member in sorted(_members(info, 'data')):
        found.update(json.dumps([member.name, member.is_executable, member.digest]).encode())
    return found.hexdigest()


def is_from_index(info: Path) -> bool:
    """Tell whether an index may have the archive of what is installed (PEP 610)."""
    return not (info / 'direct_url.json').exists()


def is_editable(info: Path) -> bool:
    """Tell whether what is installed is only a pointer to its source (PEP 610)."""
    try:
        document = json.loads((info / 'direct_url.json').read_text('utf-8'))
        return bool(document.get('dir_info', {}).get('editable'))
    except (OSError, ValueError, AttributeError):
        return False


def _check(info: Path) -> tuple[str, str]:
    """Return the name and the version that a metadata directory is called by."""
    match = _INFO.fullmatch(info.name)
    if match is None or not (info / 'RECORD').is_file():
        raise CacheError(f'{info} has no RECORD of what was installed')
    if is_editable(info):
        raise CacheError('it is an editable installation')
    return match['name'], match['version']


class _Member(NamedTuple):
    """One file of a wheel; `digest` as in `RECORD`."""

    name: str
    is_executable: bool
    digest: str
    data: bytes


def _members(info: Path, data_directory: str) -> Iterator[_Member]:
    """Yield all that was in the wheel, after a comparison with `RECORD`."""
    generated = _generated_scripts(info)
    with open(info / 'RECORD', encoding='utf-8', newline='') as file:
        rows = [(*row, '', '')[:3] for row in csv.reader(file) if row]
    packages = str(info.parent)
    prefix = _prefix(info.parent, [row[0] for row in rows])
    for name, recorded, _ in rows:
        is_outside = name.startswith('../') or os.path.isabs(name)
        directory, base = os.path.split(name)
        is_script = is_outside and os.path.basename(directory) in ('bin', 'Scripts')
        if (
            name.endswith('.pyc')
            or (directory == info.name and base in _BY_INSTALLER)
            # pip makes pip3.12 of its `pip`, too.
            or (is_script and generated & {base, _VERSION.sub('', base)})
        ):
            continue
        path = os.path.join(packages, name)
        is_executable, data = _read(path)
        digest = _digest(data)
        if recorded.startswith('sha256=') and recorded != digest:
            raise CacheError(f'{path} is not what was installed')
        if is_script:
            # An installer puts its interpreter there (PEP 427).
            data = _SHEBANG.sub(b'#!python', data, count=1) if data[:2] == b'#!' else data
            member = f'{data_directory}/scripts/{base}'
            yield _Member(member, is_executable, _digest(data), data)
        elif not is_outside:
            yield _Member(name, is_executable, digest, data)
        elif prefix is not None:
            relative = Path(os.path.normpath(path)).relative_to(prefix).as_posix()
            yield _Member(f'{data_directory}/data/{relative}', is_executable, digest, data)


def _read(path: str) -> tuple[bool, bytes]:
    """Return whether a file is executable, and its contents."""
    try:
        with open(path, 'rb', buffering=0) as file:
            return bool(os.fstat(file.fileno()).st_mode & _EXECUTABLE), file.readall()
    except OSError as error:
        raise CacheError(f'{path} can\'t be read: {error.strerror}') from error


def _prefix(packages: Path, names: list[str]) -> Path | None:
    """Return the directory that scripts and data were installed below, None without any."""
    ups = max((name.count('../') for name in names if name.startswith('../')), default=0)
    return Path(os.path.normpath(packages / Path(*['..'] * ups))) if ups else None


def _generated_scripts(info: Path) -> set[str]:
    """Return the names of the scripts that an installer makes of entry points."""
    parser = configparser.RawConfigParser(delimiters=('=',), strict=False)
    # Names keep their case: configparser's own way, which mypy takes for a mistake.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string((info / 'entry_points.txt').read_text('utf-8'))
    except (OSError, ValueError, configparser.Error):
        return set()
    return {name for section in ('console_scripts', 'gui_scripts')
            if parser.has_section(section) for name in parser.options(section)}  # fmt: skip


def _tag(info: Path) -> str:
    """Return the compressed tag set of the wheel (PEP 425)."""
    try:
        message = email.message_from_string((info / 'WHEEL').read_text('utf-8'))
    except OSError as error:
        raise CacheError(f'{info} has no WHEEL') from error
    tags = [tag.strip().split('-') for tag in message.get_all('Tag') or []]
    if not tags or any(len(tag) != 3 for tag in tags):
        raise CacheError(f'{info / "WHEEL"} names no tag')
    return '-'.join('.'.join(sorted(set(part))) for part in zip(*tags))


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f'sha256={digest.decode("ascii").rstrip("=")}'
