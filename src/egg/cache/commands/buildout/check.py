"""Is this buildout self-contained, and if not, what is there to do?"""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from egg.cache.common.console import Console, printable
from egg.cache.common.errors import CacheError
from egg.cache.configuration import buildout_cfg, location
from egg.cache.portable import buildout_paths, modified_eggs, script_requirements, selfcontained
from egg.cache.portable.findings import (
    COPIED,
    DEVELOP,
    DIRECTORY,
    KINDS,
    LIBRARY,
    LINK,
    PART,
    SCRIPT,
    SITE_PACKAGES,
    Finding,
    Report,
)
from egg.cache.portable.modified_eggs import Modified
from egg.cache.store.layout import Layout

NAME = 'check'
HELP = 'name what points out of a buildout, and changed files in its eggs; exit status 1 if any'
EXAMPLE = 'egg-cache check\negg-cache check /srv/buildouts/shop'
CACHE = location.UNUSED

_WORDS = {
    DIRECTORY: '',
    SITE_PACKAGES: 'site-packages',
    SCRIPT: '',
    DEVELOP: 'develop egg',
    LINK: 'link',
    LIBRARY: 'library path',
    PART: '',
    COPIED: 'installed there',
}
_ADVICE = {
    DIRECTORY: 'A directory of the buildout is elsewhere. Take away the option, in '
    'buildout.cfg or ~/.buildout/default.cfg, and run buildout again.',
    SITE_PACKAGES: 'What is installed beside zc.buildout answers requirements, '
    'too. Run buildout with egg.cache among its extensions and egg-cache-self-contained = yes: '
    'it makes an egg of that, or says why it can\'t.',
    SCRIPT: 'Scripts have paths of develop eggs, of options such as extra-paths, '
    'and of the place where they were made: in a copied buildout, run buildout again.',
    DEVELOP: 'For a develop egg, move its source into the buildout, or use a '
    'released version.',
    LINK: 'For a link, put what it leads to in its place.',
    LIBRARY: 'For a library path, build the egg anew with one that begins with '
    '$ORIGIN and stays in the buildout, or use a wheel that brings its libraries.',
    PART: 'Files of parts have the paths that the options of the part name. '
    'Use ${buildout:directory} there, or, for what is there on each machine, egg-cache pack '
    '--allow PATH.',
    COPIED: 'If the buildout was copied or moved, run bootstrap.py here, which '
    'egg-cache bootstrap-script writes, and then bin/buildout. Or delete .installed.cfg first: '
    'buildout alone would remove what was installed at the other place.',
}

#: Instead, where `.installed.cfg` has directories elsewhere, and `buildout.cfg` has not.
_STALE = (
    'The eggs-directory in .installed.cfg is not the one of buildout.cfg, but that of an earlier '
    'run. Run buildout, to its end.'
)
_COPIED = (
    'The directories in .installed.cfg are not those of buildout.cfg: it is that of another '
    'directory, from which this one was copied or moved. Run bootstrap.py here, which egg-cache '
    'bootstrap-script writes, and then bin/buildout. Or delete .installed.cfg first: buildout '
    'alone would remove what was installed at the other place.'
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'buildout', metavar='DIR', nargs='?', default='.', help='the buildout (default: here)'
    )


def run(options: argparse.Namespace, layout: Layout, console: Console) -> int:
    report = selfcontained.everything(buildout_paths.find(Path(options.buildout), _options))
    eggs = modified_eggs.in_buildout(report, options.cache)
    if console.is_json:
        console.answer({**_document(report), **modified_eggs.document(eggs)})
    else:
        _tell(report, eggs, console)
    is_good = report.is_self_contained and report.places.is_built
    return 0 if is_good and all(one.is_fit for one in eggs) else 1


def explained(report: Report) -> Iterator[str]:
    """Yield lines that say what leads out of a buildout, and what to do."""
    yield from map(printable, (*_lines(report), *_advice(report)))


def _tell(report: Report, eggs: Sequence[Modified], console: Console) -> None:
    for line in explained(report):
        console.line(line)
    for line in modified_eggs.explained(eggs):
        console.line(printable(line))
    is_good = report.is_self_contained and all(one.is_fit for one in eggs)
    verdict = printable(_verdict(report) + modified_eggs.verdict(eggs))
    console.line(console.styled(verdict, 'green' if is_good else 'red'))
    if modified_eggs.remark(eggs):
        console.remark(printable(modified_eggs.remark(eggs)))
    for path, reason in report.unread.items():
        console.remark(f'Not looked at: {printable(path)}: {reason}.')


def _options(directory: Path) -> Mapping[str, str]:
    """Return the options of `[buildout]`, none if they can't be read."""
    try:
        return buildout_cfg.read(str(directory)).options
    except (CacheError, OSError):
        return {}


def _lines(report: Report) -> Iterator[str]:
    for path, findings in groupby(report.findings, lambda finding: finding.path):
        yield path
        yield from (f'  {line}' for line in _grouped(report, list(findings)))
    for path, count in report.interpreters.items():
        yield f'Interpreter: {path}{_environment(report, path)}{_scripts(count)}.'


def _advice(report: Report) -> Iterator[str]:
    kinds = {finding.kind for finding in report.findings}
    if kinds:
        yield 'What to do:'
    texts = {kind: _ADVICE[kind] for kind in sorted(kinds, key=KINDS.index)}
    stale = buildout_paths.stale(report.places, _options)
    if stale:
        is_copy = stale != {'eggs-directory'}
        yield from _wrapped(_COPIED if is_copy else _STALE)
        directories = [finding for finding in report.findings
                       if finding.kind == DIRECTORY]  # fmt: skip
        if len(directories) == len(stale):
            del texts[DIRECTORY]
        if is_copy:
            texts.pop(COPIED, None)
    for text in texts.values():
        yield from _wrapped(text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, 90, initial_indent='- ', subsequent_indent='  ',
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _grouped(report: Report, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding; many paths in one directory are one line."""

    def common(finding: Finding) -> tuple[str, str]:
        return finding.kind, os.path.dirname(finding.target)

    for (kind, directory), group in groupby(findings, common):
        same = list(group)
        lines = [str(finding.line) for finding in same if finding.line is not None]
        words = f' ({_WORDS[kind]})' if _WORDS[kind] else ''
        if len(same) > 3:
            yield f'{lines[0]}-{lines[-1]}: ' * bool(lines) + (
                f'{len(same)} paths in {directory}{words}'
            )
            continue
        for finding in same:
            number = '' if finding.line is None else f'{finding.line}: '
            yield f'{number}{finding.target}{words}'
            names = _borrowed(report, finding)
            if names:
                yield f'{" " * len(number)}needed of it: {", ".join(names)}'


def _borrowed(report: Report, finding: Finding) -> list[str]:
    """Return what a script takes from a site-packages, as far as requirements tell."""
    if finding.kind != SITE_PACKAGES:
        return []
    return script_requirements.names(report.places, finding.path, finding.target)


def _environment(report: Report, interpreter: str) -> str:
    path = selfcontained.virtual_environment(interpreter)
    if path is None:
        return ''
    side = 'inside' if report.places.holds(path) else 'outside'
    return f', of a virtual environment {side} of the buildout'


def _scripts(count: int) -> str:
    return {0: '', 1: ' (1 script)'}.get(count, f' ({count} scripts)')


def _verdict(report: Report) -> str:
    name, count = report.places.directory, len(report.findings)
    if count:
        files = len({finding.path for finding in report.findings})
        paths = '1 path leads' if count == 1 else f'{count} paths lead'
        where = '' if count == 1 else f', in {files} file{"s" * (files > 1)}'
        return f'{name} is not self-contained: {paths} out of it{where}.'
    if report.unread:
        return f'Nothing that was looked at leads out of {name}.'
    if not report.places.is_built:
        return f'Nothing leads out of {name}, but it was not built yet. Run buildout.'
    return f'{name} is self-contained.'


def _document(report: Report) -> dict[str, object]:
    where = report.places
    return {
        'buildout': str(where.directory),
        'is_self_contained': report.is_self_contained,
        'is_built': where.is_built,
        'findings': [
            {
                'kind': f.kind, 'path': f.path, 'line': f.line, 'target': f.target,
                'distributions': _borrowed(report, f),
            }
            for f in report.findings
        ],
        'interpreters': [
            {
                'path': path,
                'script_count': count,
                'virtual_environment': selfcontained.virtual_environment(path),
                'is_inside': where.holds(path),
            }
            for path, count in report.interpreters.items()
        ],
        'unread': [{'path': path, 'reason': reason} for path, reason in report.unread.items()],
    }
