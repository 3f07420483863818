"""What would a buildout without the egg cache get?

The expected result is never written down: it is what zc.buildout itself does in an empty
directory, with the same configuration and the same index.
"""

import re
from collections import namedtuple

from support import trees

# `trees` are snapshots of eggs and scripts, `picked` is what buildout says of the versions that it
# picked, `fault` its own words when it fails.
Outcome = namedtuple('Outcome', 'succeeds trees picked fault')

TREES = ('eggs', 'bin', 'develop-eggs')


class Pair:
    """Pairs of buildouts with one configuration, one without and one with the egg cache.

    `make` is the fixture `buildout_factory`.
    """

    def __init__(self, make):
        self.make = make

    def run(self, config, *args, plain=None, env=None, **options):
        """Run both, each in a new directory; return (buildout, result) of the cached one.

        Fails if that one gets anything else than the plain one. They run at the same time, unless
        the outcome of the plain one is given. `options` are those of [buildout].
        """
        finish = self._start_plain(config, args, env, options) if plain is None else lambda: plain
        buildout = self.make(config, **options)
        run = buildout.start(*args, env=env)
        return buildout, compared(finish(), buildout, run.finish())

    def plain(self, config, *args, env=None, **options):
        """Return the outcome of a buildout without the egg cache, in a new directory."""
        return self._start_plain(config, args, env, options)()

    def _start_plain(self, config, args, env, options):
        options = {name: value for name, value in options.items()
                   if not name.startswith('egg_cache')}
        buildout = self.make(config, cache=False, **options)
        run = buildout.start(*args, env=env)
        return lambda: outcome(buildout, run.finish())


def compared(plain, buildout, result):
    """Return the result of a run; fails if its outcome is another than `plain`."""
    found = differences(plain, outcome(buildout, result))
    assert found == [], '\n'.join([*found, str(result)])
    return result


def outcome(buildout, result):
    """Return what came of a run, without what differs between two directories."""
    snapshots = {
        name: trees.normalised(buildout.path(name), replace=[buildout.directory])
        for name in TREES if buildout.path(name).exists()
    }
    return Outcome(result.returncode == 0, snapshots, picked(buildout, result),
                   _fault(buildout, result))


def differences(plain, cached):
    """Return one line for each difference of two outcomes."""
    lines = []
    for field in ('succeeds', 'picked', 'fault'):
        values = [getattr(one, field) for one in (plain, cached)]
        if values[0] != values[1]:
            lines.append(f'{field}: {values[0]!r} != {values[1]!r}')
    for name in sorted({*plain.trees, *cached.trees}):
        nodes = (one.trees.get(name, {}) for one in (plain, cached))
        lines.extend(f'{name}/{line}' for line in trees.differences(*nodes))
    return lines


def picked(buildout, result):
    """Return the lines about picked versions in the output and in a file `picked.cfg`."""
    shown = result.output.partition('[versions]\n')[2]
    path = buildout.path('picked.cfg')
    written = path.read_text() if path.exists() else ''
    pins = re.compile(r'^[\w.-]+ = \S+$', re.M)
    return pins.findall(shown), pins.findall(written)


def copied(result):
    """Return what was copied from the cache, sorted: ['demo 1.0', ...]."""
    return sorted(re.findall(r'Copied (\S+ \S+) from the egg cache\.$', result.output, re.M))


def built_count(result):
    """Return how many eggs were built, in whatever way."""
    match = re.search(r'Egg cache: .* (\d+) built', result.output)
    return int(match[1]) if match else 0


def contents(buildout, *projects):
    """Return {project: 'version content'} of the only egg of each project."""
    found = {}
    for project in projects:
        [module] = buildout.eggs_directory.glob(f'{project}-*.egg/{project}/__init__.py')
        values = {}
        exec(module.read_text(), values)
        found[project] = f'{values["VERSION"]} {values["CONTENT"]}'
    return found


def _fault(buildout, result):
    if result.returncode == 0:
        return ''
    words = result.output[max(result.output.find('While:'), 0):]
    return words.replace(str(buildout.directory), '<directory>')
