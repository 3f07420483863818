"""What does buildout itself need, as wheels for an index?"""

import re
from pathlib import Path

from support import archives, tools


def wheels(directory):
    """Write wheels of zc.buildout, egg.cache and what they require; return their paths."""
    found = [name for name in tools.NEEDED if tools.find(name) is not None]
    return [*(tools.wheel_of(name, directory) for name in found), egg_cache_wheel(directory)]


def egg_cache_wheel(directory, version=None):
    """Write a wheel of egg.cache as it is in the checkout, and return its path."""
    distribution = tools.find('egg.cache')
    text = distribution.read_text('METADATA') or distribution.read_text('PKG-INFO')
    if version is not None:
        text = re.sub('(?m)^Version: .*$', f'Version: {version}', text, count=1)
    version = version or distribution.version
    info = f'egg_cache-{version}.dist-info'
    members = {
        path.relative_to(tools.SOURCE).as_posix(): path.read_bytes()
        for path in sorted(tools.SOURCE.joinpath('egg').rglob('*'))
        if path.is_file() and path.suffix != '.pyc'
    }
    texts = {
        'METADATA': text,
        'WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        'entry_points.txt': distribution.read_text('entry_points.txt'),
    }
    members.update((f'{info}/{name}', text) for name, text in texts.items())
    return archives.write_wheel(
        Path(directory, f'egg_cache-{version}-py3-none-any.whl'), members)


def names(directory):
    """Return the names of the eggs that `.buildinfo.json` lists, without versions."""
    from egg.cache.portable import buildinfo

    return [name.partition('-')[0] for name in buildinfo.read(Path(directory)).buildout_eggs]
