"""Layers: imports only go down (DESIGN.md, "Layers")."""

import ast
import sys
from pathlib import Path

import pytest

from egg import cache

SOURCE = Path(cache.__file__).parent

# From the bottom to the top. A module may import those in the rows below, and those
# to its left in its own row.
LAYERS = [
    ['standalone'],
    ['errors', 'linking', 'units', 'settings'],
    ['compilers', 'pip_config', 'constraints', 'build_options', 'sdist_contents',
     'source_builds'],
    ['environment', 'layout', 'inventory', 'files', 'tenant', 'records',
     'permissions', 'room', 'statistics', 'elf', 'mentions', 'places', 'findings',
     'buildinfo', 'wheels', 'beside'],
    ['values', 'outline', 'manifest', 'modes', 'integrity', 'teamwork', 'transfer'],
    ['locks', 'tally', 'metadata', 'origins', 'archives', 'trust', 'trouble'],
    ['census', 'installed', 'foreign'],
    ['entry', 'store', 'stores', 'pins', 'pedigree'],
    ['selection', 'recorder', 'damage', 'ledger'],
    ['usage', 'prune', 'litter', 'clearance', 'adoption'],
    ['console', 'configuration', 'whereabouts', 'location'],
    ['verify', 'selfcontained', 'borrowed', 'comparison', 'explanation', 'inquiry', 'session'],
    ['recorded', 'closure', 'release', 'delta', 'flattening', 'staging', 'tarball', 'developed',
     'trial', 'survey', 'blueprint', 'packing'],
    ['components', 'dependencies', 'composition', 'bill'],
    ['commands'],
    ['cli', 'arrival'],
    ['compatibility', 'installer'],
    ['independence'],
    ['extension'],
]
ORDER = [module for layer in LAYERS for module in layer]
# Modules of equal rank that don't know each other.
STRANGERS = [(module, other) for module in ('cli', 'commands')
             for other in ('installer', 'extension', 'arrival', 'session')] + [
             ('arrival', 'cli'), ('installer', 'cli'), ('extension', 'cli'),
             ('arrival', 'commands'), ('session', 'configuration'), ('session', 'location'),
             ('verify', 'session')]  # fmt: skip
OTHERS = {
    'filelock': {'locks'},
    'packaging': {
        'selection', 'settings', 'statistics', 'ledger', 'environment', 'layout', 'origins',
        'entry', 'session', 'foreign', 'adoption', 'prune', 'archives', 'explanation', 'inquiry',
        'borrowed', 'build_options', 'components', 'dependencies', 'beside', 'independence',
        'closure', 'flattening',
    },
    'platformdirs': {'settings'},
    'rich': {'console'},
    'cyclonedx': {'bill'},
    'packageurl': {'bill'},
    'shtab': {'commands'},
    'zc': {'compatibility', 'installer', 'independence', 'extension', 'configuration',
           'whereabouts'},
}


def paths(module):
    """Return the files of a module; a package is one module."""
    package = SOURCE / module
    return sorted(package.glob('*.py')) if package.is_dir() else [SOURCE / f'{module}.py']


def imported(module):
    """Return the full names of all that a module imports, wherever it does."""
    names = set()
    trees = [ast.parse(path.read_text('utf-8')) for path in paths(module)]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{module} has a relative import'
            names.update(f'{node.module}.{alias.name}' for alias in node.names)
    return names


def own(module):
    """Return the modules of egg.cache that a module imports."""
    names = {name.split('.')[2] for name in imported(module) if name.startswith('egg.cache.')}
    return names - ({module} if (SOURCE / module).is_dir() else set())


def test_each_module_has_a_layer():
    found = [path.stem for path in SOURCE.glob('*.py')]
    found += [path.parent.name for path in SOURCE.glob('*/__init__.py')]
    assert sorted(found) == sorted(['__init__', *ORDER])


@pytest.mark.parametrize('module', ORDER)
def test_imports_only_go_down(module):
    below = ORDER[:ORDER.index(module)]
    assert own(module) - set(below) == set()


@pytest.mark.parametrize(('module', 'other'), STRANGERS)
def test_strangers_do_not_import_each_other(module, other):
    assert other not in own(module)


def test_no_module_imports_the_package_itself():
    assert [name for module in ORDER for name in imported(module)
            if name in ('egg', 'egg.cache')] == []  # fmt: skip
    assert imported('__init__') == set()


@pytest.mark.parametrize('module', ORDER)
def test_each_module_imports_only_what_it_may(module):
    tops = {name.split('.')[0] for name in imported(module)} - {'egg'} - sys.stdlib_module_names
    assert tops == {name for name in tops if module in OTHERS.get(name, ())}


def test_only_few_modules_know_buildout():
    users = {module for module in ORDER
             if any(name.startswith(('zc', 'pkg_resources')) for name in imported(module))}
    assert users == OTHERS['zc']


def test_the_command_does_not_reach_the_two_above_by_any_way():
    reached, waiting = set(), ['cli']
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(own(module))
    above = {'compatibility', 'installer', 'independence', 'extension', 'arrival', 'session'}
    assert reached & above == set()
