"""The house: packages, and modules in them, import only what is below."""

import ast
import re
import sys
from pathlib import Path

import pytest

from egg import cache

SOURCE = Path(cache.__file__).parent

#: Packages, and the modules of each, from the top to the bottom: a module may import what comes
#: after it. The first row is `egg.cache` itself. The verbs are in two folders of `commands`, and
#: the first ten of `buildout` in its `hooks`.
HOUSE = {
    '': 'extension cli',
    'commands': 'clearing removal adding pruning directory listing showing stats verification '
                'packing check bootstrapping installing rollback sbom why completion',
    'sbom': 'cyclonedx_json composition dependencies components',
    'release': 'packing plan preflight trial_install develop_eggs build_archives required_eggs '
               'flattening staging tarball delta release',
    'explain': 'survey walk needs outcomes questions present explanation nearest answers '
               'comparison',
    'adopt': 'adoption eligibility destination',
    'buildout': 'installed_pins extension_eggs activation developing self_contained installer '
                'unanswered egg_making state compatibility installation build_requirements '
                'pip_reports session fallback from_source copying storing damaged_entries '
                'failures',
    'maintenance': 'prune candidates manifest_summary clear cleanup verify selection',
    'stats': 'history totals recorder run_record counters',
    'portable': 'relocation selfcontained modified_eggs findings script_requirements '
                'installed_cfg buildout_paths used_eggs buildinfo embedded_paths elf',
    'eggs': 'site_packages wheel_rebuild provenance record_check contents source_metadata '
            'metadata',
    'configuration': 'location buildout_cfg zc_reader local_archives index_options settings',
    'lookup': 'build_requirements stores pins origins',
    'store': 'store entry transfer integrity manifest locks trust ownership permissions '
             'inventory layout',
    'environment': 'source_builds build_options constraints sdist_contents environment pip_config '
                   'build_system compilers',
    'common': 'units console thread_pool validation disk_space linking files errors',
    'standalone': 'install bootstrap',
}  # fmt: skip
ORDER = [f'{package}.{module}'.lstrip('.') for package, row in HOUSE.items()
         for module in row.split()]  # fmt: skip
PATHS = {
    '.'.join([*path.relative_to(SOURCE).parts[:-1][:1], path.stem]): path
    for path in SOURCE.rglob('*.py') if path.name != '__init__.py'
}  # fmt: skip

#: What else is imported, and where; packaging is wherever versions are.
OTHERS = {
    'filelock': {'store.locks'},
    'platformdirs': {'configuration.settings'},
    'rich': {'common.console'},
    'cyclonedx': {'sbom.cyclonedx_json'},
    'packageurl': {'sbom.cyclonedx_json'},
    'pip': {'environment.build_system'},
    'shtab': {'commands.completion'},
    'zc': {'buildout.activation', 'buildout.compatibility', 'buildout.developing',
           'buildout.installed_pins', 'buildout.installer', 'buildout.self_contained',
           'configuration.buildout_cfg',
           'configuration.index_options', 'configuration.zc_reader', 'extension',
           'portable.relocation'},
}  # fmt: skip
#: What `egg-cache` never gets to: it works without a run of zc.buildout.
OF_A_RUN = {'extension', 'portable.relocation', *(
    f'buildout.{module}' for module in HOUSE['buildout'].split())}


def imported(path):
    """Return the full names of all that a module imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} has a relative import'
            names.update(f'{node.module}.{alias.name}' for alias in node.names)
    return names


def own(module):
    """Return the modules of egg.cache that a module imports."""
    found = set()
    for name in imported(PATHS[module]):
        package, *rest = name.removeprefix('egg.cache.').split('.')
        if name.startswith('egg.cache.'):
            found.update(one for one in (package, *(f'{package}.{part}' for part in rest))
                         if one in PATHS)  # fmt: skip
    return found - {module}


def test_each_module_has_its_place():
    assert sorted(PATHS) == sorted(ORDER)


def test_the_architecture_shows_the_house_as_it_is():
    text = (Path(__file__).resolve().parents[2] / 'ARCHITECTURE.rst').read_text('utf-8')
    picture, packages = (text.partition(f'\n{title}\n')[2].split('\n\n\n')[0]
                         for title in ('The house', 'The packages'))
    expected = {package for package in HOUSE if package}
    assert set(re.findall(r'^ {4}(\w+)/', picture, re.M)) | {'explain'} == expected
    assert set(re.findall(r'^``(\w+)`` ', packages, re.M)) == expected
    named = re.findall(r'``(\w+/[\w/]+\.py)``', text)
    assert len(named) > 10
    assert [name for name in named
            if not name.startswith('tests/') and not (SOURCE / name).is_file()] == []


@pytest.mark.parametrize('package', sorted({*HOUSE} - {'', 'commands'}))
def test_a_package_opens_with_what_each_of_its_modules_is_for(package):
    texts = [path.read_text('utf-8') for path in SOURCE.glob(f'{package}/**/__init__.py')]
    named = {name for text in texts for name in re.findall(r'`(\w+)', text)}
    assert set(HOUSE[package].split()) - named == set()


def test_no_package_has_more_than_twelve_modules():
    packages = {path.parent for path in PATHS.values()}
    assert len(packages) > 12
    sizes = {str(package): len([*package.glob('*.py')]) - 1 for package in packages}
    assert {package: size for package, size in sizes.items() if size > 12} == {}


@pytest.mark.parametrize('module', ORDER)
def test_imports_only_go_down(module):
    assert own(module) - {*ORDER[ORDER.index(module) + 1:]} == set()


@pytest.mark.parametrize('module', ORDER)
def test_each_module_imports_only_what_it_may(module):
    tops = {name.split('.')[0] for name in imported(PATHS[module])}
    tops -= {'egg', *sys.stdlib_module_names}
    may = {'packaging'} if not module.startswith(('standalone.', 'common.')) else set()
    assert tops - may == {name for name in tops if module in OTHERS.get(name, ())}


def test_only_few_modules_know_buildout():
    users = {module for module, path in PATHS.items()
             if any(name.startswith(('zc', 'pkg_resources')) for name in imported(path))}
    assert users == OTHERS['zc']


def test_nothing_is_in_a_package_but_its_docstring():
    """So importing a module costs no other one."""
    for path in SOURCE.rglob('__init__.py'):
        [docstring] = ast.parse(path.read_text('utf-8')).body
        assert isinstance(docstring.value.value, str)
    assert not (SOURCE.parent / '__init__.py').exists()


def test_no_module_imports_the_package_itself():
    names = {name for path in PATHS.values() for name in imported(path)}
    assert names & {'egg', 'egg.cache'} == set()


def reached(module):
    """Return all that a module imports, and what that imports in turn."""
    found, waiting = set(), [module]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(own(module))
    return found


def test_the_command_does_not_reach_what_runs_in_buildout():
    assert len(reached('cli')) > 60 and reached('cli') & OF_A_RUN == set()


def test_a_run_does_not_reach_what_reads_configurations_of_others():
    found = reached('extension')
    assert 'buildout.session' in found
    assert found & {'cli', 'configuration.buildout_cfg', 'configuration.location'} == set()
