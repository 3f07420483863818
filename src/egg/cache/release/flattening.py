"""What does a configuration say in one file, for a place where nothing is built?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from egg.cache.configuration.buildout_cfg import Sections
from egg.cache.lookup.origins import public_url

_Options = Mapping[str, str]
#: Sections by their names.
Flat = dict[str, dict[str, str]]

# Of [buildout]: what was needed to fetch, to build, or to place things on the build host.
# With `auto-checkout`, mr.developer would develop sources again, where there are none.
_LEFT_OUT = frozenset({
    'abi-tag-eggs', 'auto-checkout', 'directory', 'download-cache', 'executable', 'extends',
    'extends-cache', 'install-from-cache', 'installed', 'optional-extends', 'update-versions-file',
})  # fmt: skip
_CACHE = 'egg-cache'
_PLACES = frozenset({'index', 'find-links'})
_PASSWORD = re.compile(r'(?<=://)[^\s/@:\'"]*:[^\s/\'"]*@')
_USER = re.compile(r'(?<=://)[^\s/?#\'"]+@')
_QUERY = re.compile(r'(://[^\s?#\'"]*)\?[^\s#\'"]*')
_SECRET = re.compile(r'(?:.*[-_.])?(?:password|passwd|secret|token)', re.I)
# As zope2instance has it: `user = admin:admin`. Two numbers are a user and a group.
_ACCOUNT = re.compile(r'(?:.*[-_.])?user', re.I)
_NAME_AND_PASSWORD = re.compile(r'(?!\d+:\d+\Z)[^\s:/$]+:[^\s/]\S*')
_ELSEWHERE = 'elsewhere'


@dataclass(frozen=True)
class Frame:
    """What a release changes in its configuration.

    `roots` are the names of the buildout's directory, `directories` the options of those in it,
    `eggs_directory` where the eggs were. `parts` are those that are left for buildout, `frozen`
    the options of those that are shipped as they were built, `pins` {project: version} of
    distributions that were developed.
    """

    roots: Sequence[str]
    directories: Mapping[str, str]
    eggs_directory: str
    parts: Sequence[str] = ()
    frozen: Mapping[str, _Options] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)


def flatten(sections: Sections, frame: Frame) -> Flat:
    """Return the sections of a release, `[buildout]` first."""
    flat = {name: dict(options) for name, options in sections.written.items()}
    for name in _heirs(sections, frame.frozen):
        flat[name] = dict(sections.inherited[name])
    for name, options in frame.frozen.items():
        flat[name] = {option: value.strip('\n') for option, value in options.items()
                      if option != 'recipe' and not option.startswith('__buildout_')}  # fmt: skip
    _pin(flat, sections, frame.pins)
    flat = {'buildout': _buildout(flat.pop('buildout', {}), frame), **flat}
    places = dict.fromkeys(frame.roots, '${buildout:directory}')
    places[frame.eggs_directory] = '${buildout:eggs-directory}'
    return {
        name: {option: relocated(_public(option, value), places)
               for option, value in options.items()}
        for name, options in flat.items()
    }  # fmt: skip


def to_text(flat: Mapping[str, _Options], sources: Iterable[str]) -> str:
    """Return the text of sections; a comment says of which files they were made."""
    lines = ['# One file, made by egg-cache pack of:', *(f'# - {source}' for source in sources)]
    for name, options in flat.items():
        lines += ['', f'[{name}]']
        for option, value in options.items():
            lines += _option_lines(option, value)
    return '\n'.join(lines) + '\n'


def differences(one: Mapping[str, _Options], other: Mapping[str, _Options]) -> list[str]:
    """Return what differs, `[section] option`, but for empty lines around values."""

    def plain(options: _Options) -> dict[str, str]:
        return {name: value.strip('\n') for name, value in options.items()}

    return sorted(
        f'[{section}] {option}'
        for section in one.keys() | other.keys()
        for option in one.get(section, {}).keys() | other.get(section, {}).keys()
        if plain(one.get(section, {})).get(option) != plain(other.get(section, {})).get(option)
    )


def secrets(sections: Mapping[str, _Options]) -> list[str]:
    """Return the options, `[section] option`, with a URL with a password, or called password,
    or of a user and a password."""
    pins = sections.get('buildout', {}).get('versions', 'versions')

    def is_secret(section: str, option: str, value: str) -> bool:
        name, value = option.rstrip(' +-'), value.strip()
        is_called_so = section != pins and value and _SECRET.fullmatch(name)
        is_account = _ACCOUNT.fullmatch(name) and _NAME_AND_PASSWORD.fullmatch(value)
        return bool(_PASSWORD.search(value) or is_called_so or is_account)

    return [f'[{name}] {option}' for name, options in sections.items()
            for option, value in options.items() if is_secret(name, option, value)]  # fmt: skip


def without_passwords(text: str) -> str:
    """Return a text with the users, passwords and queries of its URLs taken out."""
    return _QUERY.sub(r'\1', _USER.sub('', text))


def relocated(value: str, places: Mapping[str, str]) -> str:
    """Return a value in which other texts, references perhaps, stand for the paths `places`."""
    # The longer ones first, as they are in the others.
    paths = '|'.join(re.escape(path) for path in sorted(places, key=len, reverse=True))
    return re.sub(
        rf'(?<![\w.-])({paths})(?![\w.+@~-])', lambda match: places[match[0]], value
    )  # fmt: skip


def names(files: Iterable[str], roots: Sequence[str]) -> dict[str, str]:
    """Return a relative path for each configuration file: its own, where it is in the buildout."""
    found: dict[str, str] = {}
    for source in files:
        path = os.path.normpath(source)
        inside = [os.path.relpath(path, root) for root in roots if path.startswith(f'{root}/')]
        name = inside[0] if inside else f'{_ELSEWHERE}/{_elsewhere(source)}'
        stem, suffix = os.path.splitext(name)
        number = 1
        while name in found.values():
            number += 1
            name = f'{stem}-{number}{suffix}'
        found[source] = name
    return found


def _elsewhere(source: str) -> str:
    """Return a name that says where a file was, but nothing of the build host."""
    if '://' not in source:
        return os.path.basename(source)
    parts = urlsplit(source)
    words = [parts.hostname or '', *parts.path.split('/')]
    return '/'.join(word for word in words if word not in ('', '.', '..')) or 'configuration'


def _heirs(sections: Sections, frozen: Iterable[str]) -> Iterator[str]:
    """Yield the sections with a macro that leads to a frozen part, which has no recipe."""
    lost = set(frozen)
    while True:
        heirs = {
            name for name in sections.inherited.keys() - lost
            if lost & set(sections.written.get(name, {}).get('<', '').split())
        }  # fmt: skip
        if not heirs:
            break
        lost |= heirs
    yield from (name for name in sections.inherited if name in lost - set(frozen))


def _pin(flat: Flat, sections: Sections, pins: Mapping[str, str]) -> None:
    section = sections.options.get('versions', 'versions')
    if pins and section:
        versions = flat.setdefault(section, {})
        projects = {canonicalize_name(name) for name in pins}
        for name in [name for name in versions if canonicalize_name(name) in projects]:
            del versions[name]
        versions.update(pins)


def _buildout(options: _Options, frame: Frame) -> dict[str, str]:
    kept = {
        name: value for name, value in options.items()
        if name not in _LEFT_OUT and not name.startswith(_CACHE)
    }  # fmt: skip
    return {
        **kept,
        **frame.directories,
        'eggs-directory-version': '',
        'develop': '',
        'parts': '\n'.join(frame.parts),
        _CACHE: '',
        # Not `yes`, as a release is complete: nothing of it may change.
        'egg-cache-self-contained': 'check',
        'offline': 'true',
        'newest': 'false',
    }


def _public(option: str, value: str) -> str:
    """Return a value, without passwords where only fetching would need them."""
    if option.rstrip(' +-') not in _PLACES or '://' not in value:
        return value
    return '\n'.join(' '.join(map(public_url, line.split())) for line in value.split('\n'))


def _option_lines(option: str, value: str) -> Iterator[str]:
    start = f'{option}=' if option.endswith(('+', '-')) else f'{option} ='
    lines = value.strip('\n').split('\n')
    if len(lines) == 1:
        yield f'{start} {lines[0]}'.rstrip()
    else:
        yield start
        yield from (f'    {line}'.rstrip() for line in lines)
