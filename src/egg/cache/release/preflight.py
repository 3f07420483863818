"""Is this buildout built, to its end, and what of it can be shipped?"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from egg.cache.common.errors import CacheError, SettingError
from egg.cache.configuration import buildout_cfg
from egg.cache.configuration.buildout_cfg import Sections
from egg.cache.portable import buildinfo, buildout_paths, installed_cfg, selfcontained, used_eggs
from egg.cache.portable.buildinfo import BuildInfo
from egg.cache.portable.buildout_paths import BuildoutPaths
from egg.cache.portable.findings import DEVELOP, SCRIPT, Finding, Report
from egg.cache.release import develop_eggs, release, required_eggs, trial_install
from egg.cache.release.required_eggs import Egg

_EGG = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+!-]*-py\d\.\d+(?:-[\w.]+)?\.egg(?![\w-])')
_REFERENCE = re.compile(r'\$\{([^:}]+):')


@dataclass(frozen=True)
class Built:
    """A buildout that is built: what it has, and what it is made of.

    `recorded` are the sections of `.installed.cfg`, `eggs` those in the eggs directory, `sources`
    the directories of develop eggs, `left_out` the parts that the release won't have.
    """

    where: BuildoutPaths
    info: BuildInfo
    sections: Sections
    recorded: Mapping[str, Mapping[str, str]]
    eggs: Sequence[Egg]
    sources: Sequence[Path]
    left_out: frozenset[str] = frozenset()

    @property
    def parts(self) -> dict[str, Mapping[str, str]]:
        """The options of each part that was installed and is not left out, as they were."""
        return {name: self.recorded[name] for name in installed_cfg.parts(self.recorded)
                if name not in self.left_out}  # fmt: skip

    @property
    def tools(self) -> develop_eggs.Tools:
        directory = self.where.directories['eggs-directory']
        eggs = [str(directory / name) for name in self.info.buildout_eggs]
        return develop_eggs.Tools(self.info.executable, eggs, self.sections.options)


def look(directory: Path) -> Built:
    """Return what is built in a directory.

    Raises `SettingError` for what is no buildout, and `CacheError` for one that is not built to
    its end, naming what is missing.
    """
    where = buildout_paths.find(directory)
    if (where.directory / release.NAME).exists():
        raise CacheError(
            f'{where.directory} is a release: it was packed before.\n'
            'Pack the buildout that it was made of.'
        )
    info = buildinfo.read(where.directory)
    if info is None:
        raise CacheError(
            f'{where.directory} does not say what it was built with: there is no '
            f'{buildinfo.NAME}.\n'
            'Run buildout there, with egg.cache among its extensions, and with '
            'egg-cache-self-contained = yes.'
        )
    if os.path.realpath(where.directory) != os.path.realpath(info.directory):
        raise CacheError(
            f'{where.directory} was built in {info.directory or "another place"}, and then moved '
            'or copied.\nRun buildout where it is now, and then pack it.'
        )
    if not os.access(info.executable, os.X_OK):
        raise CacheError(
            f'The interpreter that {where.directory} was built with is gone: '
            f'{info.executable or "nobody knows its path"}.\n'
            'Run buildout there, with the Python that the release is for.'
        )
    sections = buildout_cfg.sections(str(where.directory), name=info.configuration)
    where = replace(
        where, directories={name: Path(os.path.normpath(where.directory / info.directories[name]))
                            for name in where.directories if name in info.directories},
    )  # fmt: skip
    built = Built(
        where, info, sections, installed_cfg.read(where.directory),
        required_eggs.available(where.directories['eggs-directory']),
        develop_eggs.sources(where.directories['develop-eggs-directory']),
    )  # fmt: skip
    missing = list(_missing(built))
    if missing:
        raise CacheError(
            f'{where.directory} is not built to its end, or something was removed. Missing:\n'
            + '\n'.join(f'    {item}' for item in missing)
            + '\nRun buildout there, to its end.'
        )
    return built


def without(built: Built, names: Collection[str]) -> Built:
    """Return what is built, without these parts; raise `SettingError` if that can't be."""
    for name in names:
        if name not in built.parts:
            raise SettingError(
                f'--without {name}: there is no such part.\n'
                f'These are there: {", ".join(sorted(built.parts))}.'
            )
    left_out = frozenset(names)
    waiting = ['buildout', *(name for name in built.parts if name not in left_out)]
    seen = set(waiting)
    for section in waiting:
        options = built.sections.inherited.get(section) or built.sections.written.get(section, {})
        for other in _REFERENCE.findall('\n'.join(options.values())):
            if other in left_out:
                raise SettingError(
                    f'--without {other}: [{section}] refers to it, so buildout would install it '
                    'all the same.\nLeave that out, too, or let both refer to a section without '
                    'a recipe.'
                )
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return replace(built, left_out=left_out)


def faults(built: Built, allowed: Sequence[str] = ()) -> Report:
    """Return what points out of a buildout, and would from a release.

    Sources of develop eggs don't count, since they become eggs, nor does what no release has, the
    script of buildout itself, nor what leads to one of the `allowed` places.
    """
    report = selfcontained.everything(built.where).allowing(allowed)
    own = built.where.relative(str(built.where.directories['bin-directory'] / 'buildout'))
    links = built.where.relative(str(built.where.directories['develop-eggs-directory']))
    roots = [f'{path}/' for path in built.sources]
    left = tuple(f'{built.where.relative(path)}/' for path in _paths_left_out(built))

    def is_excused(finding: Finding) -> bool:
        is_source = f'{os.path.realpath(finding.target)}/'.startswith(tuple(roots) or '\0')
        return (
            finding.path == own
            or f'{finding.path}/'.startswith(left)
            or (finding.kind == SCRIPT and is_source)
            or (finding.kind == DEVELOP and finding.path.startswith(f'{links}/'))
        )

    report.findings = [finding for finding in report.findings if not is_excused(finding)]
    return report


def scripts(built: Built) -> dict[str, frozenset[str]]:
    """Return the scripts that parts have installed, with the names of the eggs in each."""
    paths = [path for options in built.parts.values() for path in installed_cfg.paths(options)]
    return trial_install.scripts(
        built.where.directories['bin-directory'], trial_install.installed(built.where, paths)
    )


def known_scripts(built: Built) -> dict[str, frozenset[str]]:
    """Return all scripts that are there, but for those of parts that are left out."""
    found = trial_install.scripts(built.where.directories['bin-directory'])
    for name in trial_install.installed(built.where, _paths_left_out(built)):
        found.pop(name, None)
    return found


def expected_scripts(built: Built) -> dict[str, frozenset[str]]:
    """Return the scripts that a release has to have.

    A recipe needn't tell buildout of its scripts, but they lead to eggs. Which part made those
    nobody knows, so where parts are left out, they may be missing.
    """
    unlisted = {} if built.left_out else {
        name: eggs for name, eggs in known_scripts(built).items() if eggs}  # fmt: skip
    return {**unlisted, **scripts(built)}


def _paths_left_out(built: Built) -> list[str]:
    return [path for name in sorted(built.left_out)
            for path in installed_cfg.paths(built.recorded[name])]  # fmt: skip


def options(built: Built, frozen: Collection[str]) -> trial_install.Options:
    """Return the options of the parts that are not `frozen`, as they were at the last run.

    Only those that are written somewhere have values: recipes may give others any.
    """
    roots = [root for root in (*built.where.names, built.info.directory) if root]
    return {
        name: trial_install.plain(found, roots, {
            option.rstrip(' +-') for option in built.sections.inherited.get(
                name, built.sections.written.get(name, {}))
        })
        for name, found in built.parts.items() if name not in frozen
    }  # fmt: skip


def used(built: Built) -> frozenset[str]:
    """Return the names of the eggs that parts use, or buildout itself."""
    names = used_eggs.eggs(built.where.directory, built.left_out)
    return names | frozenset(built.info.buildout_eggs)


def requirements(built: Built) -> list[str]:
    """Return what parts and buildout ask for: recipes, extensions, distributions."""
    found = built.sections.options.get('extensions', '').split()
    for name, options in built.parts.items():
        recipe = options.get('recipe', '').partition(':')[0]
        default = name if recipe == 'zc.recipe.egg' else ''
        found += [recipe, *options.get('eggs', default).split('\n')]
    return [text.strip() for text in found if text.strip()]


def _missing(built: Built) -> Iterator[str]:
    directory = built.where.directory
    for name in built.sections.options.get('parts', '').split():
        if name not in built.parts:
            yield f'the part {name}'
    for name, options in built.parts.items():
        for path in installed_cfg.paths(options):
            if not os.path.lexists(directory / path):
                yield f'{built.where.relative(path)}, of the part {name}'
    there = {egg.name for egg in built.eggs}
    develop = built.where.directories['develop-eggs-directory']
    for name in sorted(_mentioned(built) | {*built.info.buildout_eggs}):
        if name not in there and not (develop / name).exists():
            yield f'the egg {name}'
    projects = {egg.project for egg in built.eggs}
    for name in built.sections.options.get('extensions', '').split():
        # A source may be that of an extension.
        if Egg('', name, '').project not in projects and not built.sources:
            yield f'an egg of the extension {name}, which may be an editable installation'
    for source in built.sources:
        if not source.is_dir():
            yield f'the source {source}, of a develop egg'


def _mentioned(built: Built) -> set[str]:
    """Return the names of eggs in what buildout wrote: its record, and the scripts of parts."""
    found = {name for names in scripts(built).values() for name in names}
    for options in built.parts.values():
        for value in options.values():
            found.update(_EGG.findall(value))
    return {name for name in found if _EGG.fullmatch(name)}
