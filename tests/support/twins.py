"""Does a buildout get the same with and without an egg cache?"""

import json
import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

from support import tools, trees
from support.runner import Run, environment

Twin = namedtuple('Twin', 'buildout result')
Twins = namedtuple('Twins', 'plain storing served')


def run(buildout_factory, config, *args, volatile=(), env=None, prepare=None, **options):
    """Run `config` without a cache, with an empty one and with a filled one.

    Fails if they don't get the same; returns the three as `Twins`. `options` are for the
    factory, `prepare` is called with each buildout before its run.
    """
    twins = []
    for cache in (False, True, True):
        buildout = buildout_factory(config, cache=cache, **options)
        if prepare is not None:
            prepare(buildout)
        twins.append(Twin(buildout, buildout.run(*args, env=env)))
    assert_same(*(twin.buildout for twin in twins), volatile=volatile)
    return Twins(*twins)


def assert_same(first, *others, volatile=()):
    """Fail if the buildouts made anything different, anywhere below their directories."""
    made = made_by(first, volatile)
    for other in others:
        lines = trees.differences(made, made_by(other, volatile))
        assert not lines, '\n'.join(lines)


def made_by(buildout, volatile=()):
    """Return all that is in the directory of `buildout`, as normalised nodes."""
    nodes = trees.normalised(
        buildout.directory, [buildout.directory], (*trees.VOLATILE, *volatile))
    del nodes['buildout.cfg']
    return nodes


def entries(cache):
    """Return the entries of a cache: {(project, version): number of them}."""
    found = {}
    for path in Path(cache).glob('v1/*/eggs/*/*/*/entry.json'):
        name = path.parents[2].name, path.parents[1].name
        found[name] = found.get(name, 0) + 1
    return found


def keys(cache, project='*'):
    """Return the environment keys of a cache that have eggs, or those of a project, sorted."""
    return sorted({path.parents[1].name for path in Path(cache).glob(f'v1/*/eggs/{project}')})


def tools_with_recipe(directory):
    """Put the tools and zc.recipe.egg into `directory`: each run saves the build of the recipe."""
    paths = tools.from_environment(directory)
    tools.copy(tools.find(tools.RECIPE), directory)
    return paths


def whole_tools(directory):
    """Put the tools, the recipe and egg.cache into one directory, as pip does; return the list."""
    tools_with_recipe(directory)
    shutil.copytree(
        tools.SOURCE / 'egg', Path(directory, 'egg'), ignore=shutil.ignore_patterns('__pycache__'))
    return [str(directory)]


def patched(directory, tools, code, name='patch'):
    """Return `tools` for processes that run `code` before they import zc.buildout."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    directory.joinpath(f'{name}_module.py').write_text(code, encoding='utf-8')
    directory.joinpath(f'{name}.pth').write_text(f'import {name}_module\n')
    return [str(directory), *tools]


def with_extension(directory, tools, *names, code):
    """Return `tools` with the extensions `names`, whose code has `load` and `unload`.

    buildout wants them beside zc.buildout, which must be in the first directory of `tools`.
    """
    directory = Path(directory)
    shutil.copytree(tools[0], directory, copy_function=os.link)
    for name in names:
        info = add_metadata(directory, name, '1.0')
        info.joinpath('entry_points.txt').write_text(
            f'[zc.buildout.extension]\ndefault = {name}:load\n'
            f'[zc.buildout.unloadextension]\ndefault = {name}:unload\n')
        directory.joinpath(f'{name}.py').write_text(code)
    return [str(directory), *tools[1:]]


def add_metadata(directory, name, version):
    """Make `directory` say that a distribution is installed there; return its metadata."""
    info = Path(directory) / f'{name}-{version}.dist-info'
    info.mkdir(parents=True)
    info.joinpath('METADATA').write_text(
        f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nMade by hand.\n')
    return info


def run_code(buildout, code, *arguments, env=None, ok=True):
    """Run `code` in the directory of `buildout`, with its tools; return the Result."""
    path = buildout.home / 'driver.py'
    path.write_text(
        f'import json, os, site, sys\n'
        f'tools = json.loads({json.dumps(json.dumps(buildout.tools))})\n'
        'standard = os.path.dirname(os.__file__)\n'
        'sys.path[:] = tools + [path for path in sys.path[1:] if path.endswith(".zip") or ('
        'path.startswith(standard) and not path.endswith(("site-packages", "dist-packages")))]\n'
        'for tool in tools:\n    site.addsitedir(tool)\n' + code, encoding='utf-8')
    return run_command(buildout, path, *arguments, env=env, ok=ok)


def run_command(buildout, *arguments, env=None, ok=True):
    """Run Python with `arguments` in the directory of `buildout`; return the Result."""
    command = [sys.executable, *map(str, arguments)]
    result = Run(command, buildout.directory, environment(buildout.home, env),
                 buildout._new_log()).finish()
    assert not ok or result.returncode == 0, result
    return result
