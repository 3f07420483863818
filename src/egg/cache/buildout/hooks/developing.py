"""How does a develop egg get what its build requires?

pip isolates the build, and asks an index for what it requires in each run. Here `develop` is told
to find that in a directory instead, if the egg cache has all of it. The build itself, and what
comes of it, is as it would be with an index.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zc.buildout import easy_install

from egg.cache.buildout.build_requirements import BuildRequirements
from egg.cache.buildout.hooks import state
from egg.cache.buildout.pip_reports import Reports
from egg.cache.buildout.session import Session
from egg.cache.configuration import index_options
from egg.cache.environment import build_system
from egg.cache.lookup import build_requirements
from egg.cache.lookup.build_requirements import BuildOrigin

logger = logging.getLogger('egg.cache')

# pip says so if something else is required than what was laid out: a backend may ask for more.
_LACKING = ('No matching distribution found', 'ResolutionImpossible', 'ResolutionTooDeep')


def developing(original: Any) -> Any:
    """Return the wrapped `easy_install.develop`."""

    def develop(setup: str, dest: str, *args: Any, **kwargs: Any) -> Any:
        def build() -> Any:
            return original(setup, dest, *args, **kwargs)

        path = os.path.expanduser(setup)
        directory = path if os.path.isdir(path) else os.path.dirname(path)
        session = state.current.session
        origin = None if session is None else _origin(session, directory)
        if session is None or origin is None:
            return build()
        return _Development(directory, build, BuildRequirements(session, origin)).run()

    return develop


def _origin(session: Session, directory: str) -> BuildOrigin | None:
    """Return the origin of a build in `directory`; None if pip asks no index for it."""
    with session.trouble('look up'):
        return build_requirements.origin(
            directory, state.current.options.get('index', ''), session.store.key,
            index_options.pip_version(),
        )  # fmt: skip
    return None


class _Development:
    """One develop egg of the source in `directory`; `build` makes it."""

    def __init__(
        self, directory: str, build: Callable[[], Any], required: BuildRequirements
    ) -> None:
        self._directory = directory
        self._build = build
        self._required = required

    def run(self) -> Any:
        with tempfile.TemporaryDirectory() as wheels:
            entries = self._required.lay_out(Path(wheels))
            if entries:
                done, result = self._with(Path(wheels))
                if done:
                    found = ', '.join(map(str, entries))
                    logger.info('Took from the egg cache what the build requires: %s.', found)
                    return result
        if state.current.options.get('offline') == 'true':
            return self._with_what_is_here()
        with Reports() as reports, _environment(reports.variables):
            result = self._build()
        try:
            installed = reports.installed()
        except ValueError as error:
            logger.debug('What the build required is not stored: %s.', error)
        else:
            if installed:
                self._required.keep(installed)
        return result

    def _with(self, wheels: Path) -> tuple[bool, Any]:
        """Build with the archives in `wheels` alone: (whether that was enough, the result)."""
        variables = {'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': wheels.as_uri()}
        with _held_back() as held, Reports() as reports:
            try:
                with _environment({**variables, **reports.variables}):
                    return True, self._build()
            except (Exception, SystemExit):
                is_lacking = not reports.text or any(text in held.text for text in _LACKING)
                if not is_lacking:
                    raise
                logger.debug('Something is missing of what the build requires:\n%s', held.text)
                held.forget()
        return False, None

    def _with_what_is_here(self) -> Any:
        """Build without an index: with the setuptools that zc.buildout has, if that does."""
        source = build_system.read(self._directory)
        variables = {'PIP_NO_INDEX': '1'}
        if source.is_setuptools:
            variables['PIP_NO_BUILD_ISOLATION'] = '0'
        else:
            logger.warning(
                'The egg cache does not have what the build of %s requires (%s), and buildout is '
                'offline.\nRun it once without -o, where there is a network.',
                self._directory, ', '.join(source.requires),
            )  # fmt: skip
        with _environment(variables):
            return self._build()


class _Held:
    """What was said in the meantime, and is said later or never."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []
        self.output = io.StringIO()

    @property
    def text(self) -> str:
        return self.output.getvalue()

    def forget(self) -> None:
        self.records.clear()
        self.output = io.StringIO()

    def take(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            self.records.append(record)
            return False
        return True


@contextlib.contextmanager
def _held_back() -> Iterator[_Held]:
    """Hold back the output and the errors of zc.buildout inside the block."""
    held = _Held()
    source = easy_install.logger
    source.addFilter(held.take)
    try:
        with contextlib.redirect_stdout(held.output):
            yield held
    finally:
        source.removeFilter(held.take)
        for record in held.records:
            source.handle(record)
        sys.stdout.write(held.text)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
