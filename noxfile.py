"""Runs the tests on each Python with each zc.buildout: `nox`, or `nox -s "tests(5.2, 3.10)"`.

Interpreters that are not there are skipped, and named. Options for pytest come after `--`.
"""

import re
from pathlib import Path

import nox

PYTHONS = ['3.10', '3.11', '3.12', '3.13', '3.14', '3.15']
#: zc.buildout: its release, the recipe that goes with it, and what else it needs.
BUILDOUTS = {
    '4.2': ['zc.buildout==4.2.*', 'zc.recipe.egg==3.0.0', 'setuptools<82'],
    '5.2': ['zc.buildout==5.2.*', 'zc.recipe.egg==4.0.0', 'setuptools<82'],
    '6.0': ['zc.buildout==6.0.*', 'zc.recipe.egg==6.0.0'],
}
COMBINATIONS = [
    nox.param(python, buildout, id=f'{buildout}, {python}')
    for buildout in BUILDOUTS for python in PYTHONS
]
PIN = re.compile(r'^([a-z0-9-]+)(==.+?) *\\?$', re.M)

nox.options.sessions = ['tests', 'lint']
nox.options.error_on_missing_interpreters = False


@nox.session
@nox.parametrize(['python', 'buildout'], COMBINATIONS)
def tests(session, buildout):
    """Run the tests that need no network."""
    install(session, buildout)
    session.run('pytest', *session.posargs)


@nox.session
def slow(session):
    """Run the long proofs; they need an index, and take all interpreters that they find."""
    install(session, '6.0')
    session.run('pytest', '-m', 'slow', *session.posargs)


@nox.session
def newest(session):
    """Run the tests with the newest release of everything, whatever the pins are."""
    without_machine(session)
    session.install('--upgrade', 'pip', 'setuptools', 'wheel')
    session.install('--upgrade', '-e', '.[test]', 'zc.buildout', 'zc.recipe.egg')
    session.run('pip', 'list')
    session.run('pytest', *session.posargs)


@nox.session
def pins(session):
    """Pin the newest release of everything, in both files of pins; say what changed."""
    without_machine(session)
    session.install('uv', 'packaging')
    session.run('python', 'tools/pins.py')


@nox.session
def lint(session):
    """Check style and types."""
    install(session, '6.0', 'ruff', 'mypy')
    session.run('ruff', 'check')
    session.run('mypy')


def install(session, buildout, *others):
    """Install egg.cache, its tests and that release of zc.buildout, and `others`, all pinned."""
    without_machine(session)
    wanted = BUILDOUTS[buildout]
    constraints = Path(session.create_tmp(), 'constraints.txt')
    # pip wants digests of everything, or of nothing; egg.cache itself can't have one.
    named = {re.split('[=<]', text)[0].replace('.', '-') for text in wanted}
    pinned = PIN.findall(Path('constraints.txt').read_text())
    constraints.write_text('\n'.join([*wanted, *(
        project + pin for project, pin in pinned if project not in named)]))
    session.install('-c', constraints, 'pip', 'wheel', 'setuptools')
    session.install('-c', constraints, '--no-build-isolation', '-e', '.[test]', 'zc.buildout',
                    'zc.recipe.egg', *others)


def without_machine(session):
    """Let no find-links and no configuration of the machine hide what is needed."""
    session.env.update({'PIP_CONFIG_FILE': '/dev/null', 'PIP_FIND_LINKS': ''})
