"""Which versions do bootstrap.py and bin/buildout install?

    nox -s pins

takes the newest of all that setup.cfg and requirements.in ask for, on each Python that egg.cache
supports. uv resolves and writes constraints.txt, with markers and digests. versions.cfg gets the
same pins for buildout. What changed is printed, a project a line: old pins -> new pins.
"""

import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).resolve().parents[1]
CONSTRAINTS, VERSIONS = TOP / 'constraints.txt', TOP / 'versions.cfg'
SOURCES = ['setup.cfg', 'requirements.in']
PYTHONS = ['3.10', '3.11', '3.12', '3.13', '3.14', '3.15']

HEAD = """\
# The pins of constraints.txt, for buildout. Don't edit: `nox -s pins` writes both.
"""
# Of a marker of uv, these decide; egg.cache is for CPython on POSIX.
PLATFORM = {'os_name': 'posix', 'sys_platform': 'linux', 'platform_system': 'Linux',
            'implementation_name': 'cpython', 'platform_python_implementation': 'CPython'}
PIN = re.compile(r'^([a-z0-9][a-z0-9-]*)==([^\s;\\]+)(?: *; *([^\\\n]+?))?(?: *\\)?$', re.M)


class Pin(NamedTuple):
    """One line of constraints.txt: project, normalised; version; marker, '' for none."""

    project: str
    version: str
    marker: str

    def applies(self, python):
        """Tell whether it counts for that Python, such as '3.10'."""
        # Its first release: a marker may want a later one, and versions.cfg can't tell them apart.
        environment = {**PLATFORM, 'python_version': python, 'python_full_version': f'{python}.0'}
        return not self.marker or Marker(self.marker).evaluate(environment)


def read_constraints(text):
    """Return the pins in what uv wrote. Raises `ValueError` for a line that is no pin."""
    lines = [line for line in text.splitlines() if line and line[0] not in ' #']
    for line in lines:
        if not PIN.match(line):
            raise ValueError(f'This line of constraints.txt is no pin: {line}')
    return [Pin(*(group or '' for group in match)) for match in PIN.findall(text)]


def on_python(pins, python):
    """Return {project: version} of the pins that count for one Python.

    Raises `ValueError` if there are two for one project.
    """
    found = {}
    for pin in pins:
        if pin.applies(python) and found.setdefault(pin.project, pin.version) != pin.version:
            raise ValueError(f'{pin.project} has two pins for Python {python}.')
    return found


def sections(pins, pythons=PYTHONS):
    """Return {name of a section: {project: version}} as in versions.cfg.

    [versions] has the pins of the newest Python that has one. An older Python that has another one
    finds it in [versions:python310].
    """
    per_python = {python: on_python(pins, python) for python in pythons}
    common = {}
    for found in per_python.values():
        common.update(found)
    result = {'versions': common}
    for python, found in per_python.items():
        others = {project: version for project, version in found.items()
                  if common[project] != version}
        if others:
            result[f'versions:python{python.replace(".", "")}'] = others
    return result


def versions_cfg(found, spelled):
    """Return the text of versions.cfg; `spelled` is {normalised name: name as one writes it}."""
    blocks = []
    for section, pins in found.items():
        lines = sorted(f'{spelled.get(project, project)} = {version}'
                       for project, version in pins.items())
        blocks.append('\n'.join([f'[{section}]', *lines]) + '\n')
    return '\n'.join([HEAD, *blocks])


def read_versions(text):
    """Return {name of a section: {project, normalised: version}} of versions.cfg."""
    parser = configparser.RawConfigParser(delimiters='=')
    parser.read_string(text)
    return {section: {str(canonicalize_name(name)): version
                      for name, version in parser[section].items()}
            for section in parser.sections()}  # fmt: skip


def spelling(*texts):
    """Return {normalised name: name} of the first words of lines, such as zc.buildout."""
    names = [name for text in texts for name in re.findall(r'^[A-Za-z0-9][\w.-]*', text, re.M)]
    return {str(canonicalize_name(name)): name for name in names}


def changes(old, new):
    """Return a line for each project whose pins differ."""
    before, after = _versions(old), _versions(new)
    return [f'{project}: {before.get(project, "none")} -> {after.get(project, "none")}'
            for project in sorted({*before, *after})
            if before.get(project) != after.get(project)]  # fmt: skip


def _versions(pins):
    found = {}
    for pin in pins:
        found.setdefault(pin.project, set()).add(pin.version)
    return {project: ', '.join(sorted(versions, key=Version))
            for project, versions in found.items()}  # fmt: skip


def main():
    """Write both files anew; print what changed."""
    old = read_constraints(CONSTRAINTS.read_text()) if CONSTRAINTS.exists() else []
    written = spelling(VERSIONS.read_text(), (TOP / 'requirements.in').read_text())
    subprocess.run(
        ['uv', 'pip', 'compile', '--quiet', '--no-config', '--universal', '--upgrade',
         '--python-version', PYTHONS[0], '--all-extras', '--generate-hashes', '--no-annotate',
         '--custom-compile-command', 'nox -s pins', '--output-file', CONSTRAINTS, *SOURCES],
        cwd=TOP, check=True)
    new = read_constraints(CONSTRAINTS.read_text())
    VERSIONS.write_text(versions_cfg(sections(new), written))
    print('\n'.join(changes(old, new)) or 'All pins are the newest there are.')


if __name__ == '__main__':
    sys.exit(main())
