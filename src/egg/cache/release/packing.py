"""How does a buildout that is built become a release?"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from egg.cache.common import files
from egg.cache.common.errors import CacheError, SettingError
from egg.cache.eggs import provenance, record_check
from egg.cache.portable import modified_eggs
from egg.cache.portable.findings import Report
from egg.cache.portable.modified_eggs import Modified
from egg.cache.release import (
    delta,
    develop_eggs,
    flattening,
    plan,
    preflight,
    release,
    required_eggs,
    tarball,
    trial_install,
)
from egg.cache.release.preflight import Built
from egg.cache.release.release import Release
from egg.cache.release.required_eggs import Egg
from egg.cache.release.staging import Stage
from egg.cache.standalone import install
from egg.cache.standalone.install import to_bytes
from egg.cache.store.layout import Layout, is_component

# One name of the directory of all that is temporary, so that it can be recognised.
_PREFIX = 'egg-cache-pack-'


@dataclass(frozen=True)
class Wish:
    """What a release should be: what else it has, its name, and which release it follows.

    `allowed` are places outside that are there wherever it is installed. With `allows_changed`,
    eggs are taken as they are here, even if that isn't what they were built as.
    """

    include: Sequence[str] = ()
    name: str = ''
    version: str = ''
    since: Release | None = None
    allowed: Sequence[str] = ()
    allows_changed: bool = False


@dataclass(frozen=True)
class Packed:
    """What was packed, and where. `passwords` are the options that still hold one.

    `eggs` says of those in it whether they are as they were built; `inside` is what parts will
    write to in the release, and who names it.
    """

    path: Path
    size: int
    release: Release
    file_count: int
    base: Release | None = None
    dropped_passwords: tuple[str, ...] = ()
    passwords: tuple[str, ...] = ()
    eggs: tuple[Modified, ...] = ()
    inside: tuple[tuple[str, str], ...] = ()


def pack(
    built: Built, wish: Wish, output: Path | None, explain: Callable[[Report], str],
    layout: Layout | None = None, say: Callable[[str], object] = str,
) -> Packed:  # fmt: skip
    """Write the release of a buildout to the archive `output`, by default one in this directory.

    Before it appears there, it was set up in a temporary directory as at its target. Raises
    `CacheError` if anything of it would not work. `explain` describes what leads out of it,
    `say` is called with what is about to be done.
    """
    if output is not None:
        tarball.check(output)
    include = plan.included(built, wish.include)
    name = _component(wish.name or built.where.directory.name, '--name')
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as directory:
        scratch = Path(os.path.realpath(directory))
        for source in built.sources:
            say(f'Making an egg of {source}.')
        try:
            staged = _staged(built, include, scratch, layout, wish.allows_changed)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise CacheError(
                f'{scratch.parent} has no room for a copy of the release, which is set up there '
                f'for a trial: {error.strerror}.\n'
                'Make room, or name another directory with the variable TMPDIR.'
            ) from error
        stage, found, newest, real, eggs = staged
        flat = plan.checked(built, include, real, stage.root)
        one = Release(
            name, 'none', built.info.environment, found, stage.files, tuple(stage.directories)
        )
        version = _component(wish.version or release.version_of(one), '--version')
        one = Release(name, version, one.environment, one.eggs, one.files, one.directories)
        _component(str(one), '--name and --version')
        if wish.since is not None:
            delta.check(wish.since, one)
        target = output or Path(_default_name(one, wish.since))
        tarball.check(target)
        say(f'Trying {one} in {scratch}.')
        options = preflight.options(built, plan.frozen(built, include))
        packed = _written(
            built, one, stage, target, wish, newest, flat, real, explain, options
        )
        return replace(packed, eggs=tuple(eggs))


def _staged(
    built: Built, include: Sequence[str], scratch: Path, layout: Layout | None,
    allows_changed: bool,
) -> tuple[Stage, dict[str, dict[str, Any]], int, list[Egg], list[Modified]]:  # fmt: skip
    """Bring together all that goes into a release, but for `RELEASE.json`."""
    where = built.where
    eggs_directory = where.directories['eggs-directory']
    used, pins = preflight.used(built), _pins(built)
    environment = {'python_version': built.info.environment['python']}

    def choose(without: Sequence[str], more: Sequence[str] = ()) -> frozenset[str]:
        needed = {egg.name for egg in built.eggs if egg.name in used}
        wanted = [*preflight.requirements(built), *more]
        return required_eggs.choose(built.eggs, needed, wanted, pins, without, environment)

    made: list[tuple[Path, Egg, int]] = []
    if built.sources:
        skipped = {str(path) for path in where.directories.values()}
        skipped |= {os.path.realpath(path) for path in skipped}
        eggs = [str(eggs_directory / egg.name) for egg in built.eggs]
        tools = replace(built.tools, cache=layout)
        made = develop_eggs.build(built.sources, tools, eggs, pins, skipped, scratch)
    real = [egg for _, egg, _ in made]
    chosen = choose([egg.title for egg in real], [text for egg in real for text in egg.requires])
    stage, found = Stage(scratch / 'stage'), {}
    names = {egg.name for egg in real}
    place = plan.directories(built)['eggs-directory']
    taken = [egg for egg in built.eggs if egg.name in chosen and egg.name not in names]
    compared = modified_eggs.eggs([eggs_directory / egg.name for egg in taken], layout)
    if not allows_changed:
        _refuse_modified(built, compared)
    for egg, state in zip(taken, compared):
        path = eggs_directory / egg.name
        left_out = () if allows_changed else modified_eggs.surplus(path, state.added)
        stage.copy(str(path), f'{place}/{egg.name}', None, {f'{path}/{name}' for name in left_out})
        found[egg.name] = _described(path, egg, layout, state if allows_changed else None)
    for path, egg, time in made:
        stage.copy(str(path), f'{place}/{egg.name}', time)
        found[egg.name] = {'project': egg.title, 'version': egg.version, 'source': 'develop'}
    for name in include:
        stage.copy(str(where.directory / name), name)
    for name, data in plan.generated(built, include, real):
        stage.write(name, data)
    return stage, found, stage.finish(), real, compared


def _refuse_modified(built: Built, eggs: Iterable[Modified]) -> None:
    lines = [f'    {one.egg}/{fault}' for one in eggs for fault in one.faults
             if fault.kind != record_check.ADDED]  # fmt: skip
    if lines:
        raise CacheError(
            f'Eggs of {built.where.directory} are not as they were built, so it was not packed:\n'
            + '\n'.join(lines)
            + '\nMove these eggs away and run buildout, which makes them anew. What was changed '
            'on purpose is packed as it is with --allow-changed.'
        )


def _pins(built: Built) -> Mapping[str, str]:
    section = built.sections.options.get('versions', 'versions')
    return built.sections.inherited.get(section) or built.sections.written.get(section, {})


def _described(
    path: Path, egg: Egg, layout: Layout | None, state: Modified | None
) -> dict[str, Any]:
    """Return what is known of an egg; nobody may know its archive.

    Of one that is not in the `state` that it was built in, that is only where it comes from.
    """
    found: dict[str, Any] = {'project': egg.title, 'version': egg.version}
    with suppress(CacheError):
        archive = provenance.of(path, layout).archive
        if archive:
            found['archive'] = archive
    if state is not None and state.paths:
        archive = found.pop('archive', None)
        found['modified'] = {**state.paths, **({'archive': archive} if archive else {})}
    return found


def _written(
    built: Built, one: Release, stage: Stage, target: Path, wish: Wish, newest: int,
    flat: flattening.Flat, real: Sequence[Egg], explain: Callable[[Report], str],
    options: trial_install.Options,
) -> Packed:  # fmt: skip
    """Write the archive, set up what was staged, and if that works put the archive in place."""
    base, paths = wish.since, {*one.files, *one.directories}
    document = (release.NAME, one.document)
    if base is not None:
        # It is what installs the archive, so it comes along, changed or not.
        paths = {*delta.changed(base, one), plan.INSTALLER}
        document = (release.SINCE, delta.document(base, one))
    partial = files.unique(target.absolute().parent)
    partial = partial.with_name(f'.{partial.name}-{target.name}')
    size = tarball.write(partial, str(one), stage.root, one, paths, [document], newest)
    try:
        files.create(stage.root / release.NAME, to_bytes(one.document))
        bin_directory = plan.directories(built)['bin-directory']
        made = trial_install.scripts(stage.root / bin_directory)
        expected = {**made, **preflight.expected_scripts(built)}
        trial_install.run(
            stage.root, built.info.executable, bin_directory, expected,
            [egg.name for egg in real], explain, options, wish.allowed,
            preflight.known_scripts(built),
        )  # fmt: skip
        inside = install.written_inside(str(stage.root), install.load(str(stage.root)))
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    before = flattening.secrets(built.sections.written)
    after = flattening.secrets(flat)
    return Packed(
        target.absolute(), size, one, len(paths), base,
        tuple(option for option in before if option not in after), tuple(after),
        inside=tuple(inside),
    )  # fmt: skip


def _default_name(one: Release, base: Release | None) -> str:
    since = '' if base is None else f'-since-{base.version}'
    return f'{one}{since}{tarball.SUFFIXES[0]}'


def _component(name: str, option: str) -> str:
    if not is_component(name):
        raise SettingError(
            f'{name!r} can\'t be the name of a directory everywhere.\n'
            f'Give another one with {option}: letters, digits, and . _ + ! - between them.'
        )
    return name
