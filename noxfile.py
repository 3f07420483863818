"""Runs the tests on each Python with each zc.buildout: `nox`, or `nox -s "tests(5.2, 3.9)"`.

Interpreters that are not there are skipped. Options for pytest come after `--`.
"""

import nox

PYTHONS = ['3.9', '3.10', '3.11', '3.12', '3.13']
#: zc.buildout: its release, the recipe that goes with it, what else it needs, and its Pythons.
BUILDOUTS = {
    '4.2': (['zc.buildout==4.2.*', 'zc.recipe.egg==3.0.0', 'setuptools<82'], PYTHONS),
    '5.2': (['zc.buildout==5.2.*', 'zc.recipe.egg==4.0.0', 'setuptools<82'], PYTHONS),
    '6.0': (['zc.buildout==6.0.*', 'zc.recipe.egg==6.0.0'], PYTHONS[1:]),
}
COMBINATIONS = [
    nox.param(python, buildout, id=f'{buildout}, {python}')
    for buildout, (_, pythons) in BUILDOUTS.items() for python in pythons
]

nox.options.sessions = ['tests', 'lint']
nox.options.error_on_missing_interpreters = False


@nox.session
@nox.parametrize(['python', 'buildout'], COMBINATIONS)
def tests(session, buildout):
    """Run the tests that need no network."""
    install(session, buildout)
    session.run('pytest', *session.posargs)


@nox.session(python=PYTHONS[-1])
def slow(session):
    """Run the long proofs; they need PyPI, and take all interpreters that they find."""
    install(session, '6.0')
    session.run('pytest', '-m', 'slow', *session.posargs)


@nox.session
def lint(session):
    """Check style and types."""
    session.install('ruff', 'mypy')
    install(session, '6.0')
    session.run('ruff', 'check', 'src', 'tests')
    session.run('mypy')


def install(session, buildout):
    """Install egg.cache, its tests and that release of zc.buildout."""
    # A find-links of the machine must not hide what the tests need.
    session.env.update({'PIP_CONFIG_FILE': '/dev/null', 'PIP_FIND_LINKS': ''})
    session.install('pip>=25', 'wheel', *BUILDOUTS[buildout][0])
    session.install('-e', '.[test]', *BUILDOUTS[buildout][0])
