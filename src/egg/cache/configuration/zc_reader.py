"""How is zc.buildout's own class made to read a configuration, and to do nothing else?"""

from __future__ import annotations

import contextlib
import io
import socket
import warnings
from collections.abc import Iterator
from typing import Any

#: Seconds to wait for each answer where the configuration extends one of another host.
TIMEOUT = 20.0

# What zc.buildout calls the source of options that are given beside the files.
GIVEN = 'COMMAND_LINE_VALUE'
_BESIDE = (GIVEN, 'DEFAULT_VALUE', 'COMPUTED_VALUE', 'IMPLICIT_VALUE')


@contextlib.contextmanager
def collected() -> Iterator[dict[str, str]]:
    """Collect the text of each configuration file that is read meanwhile."""
    from zc.buildout import configparser

    texts: dict[str, str] = {}
    parse = configparser.parse

    def collect(file: Any, name: str, *args: Any) -> Any:
        text = texts[name.partition(' (downloaded as ')[0]] = file.read()
        return parse(io.StringIO(text), name, *args)

    configparser.parse = collect
    try:
        yield texts
    finally:
        configparser.parse = parse


class Done(Exception):
    """Everything is read: options, versions, what `buildout annotate` says, all sections,
    the parts that were asked for, and the sources of mr.developer."""


def reader(has_parts: bool = False) -> Any:
    """Return a class that reads a configuration and raises `Done`."""
    from zc.buildout.buildout import Buildout

    class Options(Buildout.Options):
        def initialize(self) -> None:
            """Install no recipe."""

        def get(self, option: str, default: Any = None, seen: Any = None) -> Any:
            value = super().get(option, default, seen)
            is_reference = value is None and seen is not None
            if is_reference and option != '_buildout_section_name_' and 'recipe' in self.keys():
                return f'${{{self.name}:{option}}}'
            return value

    class Reader(Buildout):
        is_reading = False

        def __getitem__(self, section: str) -> Any:
            if not self.is_reading:
                # The first section that is asked for, [buildout], by the constructor itself.
                self.is_reading = True
                for name in ('offline', 'install-from-cache'):
                    self._raw['buildout'][name] = self._written(name)
                options, versions = dict(self['buildout']), {}
                if options.get('versions'):
                    versions = dict(self[options['versions']])
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    self.annotate(['buildout'])
                raise Done(
                    options, versions, output.getvalue(), self._sections(), self._inherited(),
                    self._parts_of(options) if has_parts else {}, self._sources_of(options),
                )  # fmt: skip
            return super().__getitem__(section)

        def _parts_of(self, options: dict[str, str]) -> dict[str, dict[str, str]]:
            """Return the parts, and the sections with a recipe that they refer to."""
            for part in options.get('parts', '').split():
                self[part]
            return {name: dict(section) for name, section in self._data.items()
                    if 'recipe' in section}  # fmt: skip

        def _sources_of(self, options: dict[str, str]) -> dict[str, str]:
            """Return the sources that mr.developer may check out, as they are written."""
            section = options.get('sources', 'sources')
            return dict(self[section]) if section in self._raw else {}

        def _sections(self) -> dict[str, dict[str, str]]:
            """Return what the files say, with what they add to defaults."""
            found = {
                section: {
                    name: str(key.value) for name, key in options.items()
                    if any(item.source not in _BESIDE for item in key.history)
                }
                for section, options in self._annotated.items()
            }  # fmt: skip
            return {section: options for section, options in found.items()
                    if options or section != 'versions'}  # fmt: skip

        def _inherited(self) -> dict[str, dict[str, str]]:
            return {
                section: dict(self.Options(self, section, options)._do_extend_raw(
                    section, options, []))
                for section, options in self._raw.items() if '<' in options
            }  # fmt: skip

        def _written(self, name: str) -> str:
            """Return what the files say where reading them was given something else."""
            history = self._annotated['buildout'][name].history
            return str([item for item in history if item.source != GIVEN][-1].value)

    Reader.Options = Options
    return Reader


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what zc.buildout says to itself, and don't wait for ever."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        socket.setdefaulttimeout(timeout)
