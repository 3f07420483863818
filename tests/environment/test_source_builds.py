"""What is built from source depends on more than wheels do: compilers, and the options of pip."""

import os
import re

import pytest
from support import archives, plain
from support import tools as support_tools
from support.runner import egg_part

OPTIONAL = '''\
from setuptools import Extension, setup
setup(name='demo', version='1.0', packages=['demo'],
      ext_modules=[Extension('demo._answer', ['demo/_answer.c'], optional=True)])
'''
PURE = """\
import os
from setuptools import setup
setup(name='pure', version='1.0', packages=['pure'])
"""
TELLING = """\
import setuptools
with open('demo/built_with.py', 'w') as file:
    file.write(f'VERSION = {setuptools.__version__!r}')
setuptools.setup(name='demo', version='1.0', packages=['demo'])
"""
OLDER = '80.9.0'


def copied(result):
    return [egg for egg in plain.copied(result) if not egg.startswith('zc.recipe.egg')]


def modules(buildout):
    return [path.name for path in buildout.egg('demo').glob('demo/_answer*.so')]


def test_an_egg_that_may_lack_an_extension_module_is_nobody_elses(
        buildout_factory, index, archives_dir, tmp_path):
    index.add(archives.make_sdist(
        archives_dir, 'demo', '1.0', c_extension=True, files={'setup.py': OPTIONAL},
        entry_points=''))
    index.add(archives.make_sdist(archives_dir, 'pure', '1.0', files={'setup.py': PURE}))
    part = egg_part('demo', 'pure', versions={'demo': '1.0', 'pure': '1.0'})
    bare = tmp_path / 'bare'
    bare.mkdir()
    one = buildout_factory(part)
    result = one.run(env={'PATH': bare})
    assert modules(one) == []
    [line] = result.lines('is not stored in the egg cache')
    assert re.search(r'demo 1\.0 is not stored in the egg cache: without \S+ (and \S+ )?it may '
                     r'lack something\.$', line)
    # A compiler would have had nothing to do for the other one.
    two = buildout_factory(part)
    assert copied(two.run()) == ['pure 1.0']
    assert len(modules(two)) == 1


@pytest.fixture
def setuptools_index(index, archives_dir):
    """An index with two releases of setuptools, a wheel, and a source distribution that tells."""
    newest = index.add(support_tools.wheel_of('setuptools', archives_dir))
    found = support_tools.find('setuptools')
    members = {}
    for relative, source in support_tools._files(found).items():
        if support_tools._belongs_to_wheel(relative):
            text = source.read_bytes()
            if relative.endswith('.dist-info/METADATA'):
                text = text.replace(f'Version: {found.version}'.encode(),
                                    f'Version: {OLDER}'.encode(), 1)
            members[relative.replace(found.version, OLDER)] = text
    index.add(archives.write_wheel(
        archives_dir / newest.name.replace(found.version, OLDER), members))
    index.add(archives.make_sdist(
        archives_dir, 'demo', '1.0', files={'setup.py': TELLING}, entry_points=''))
    index.add(archives.make_wheel(archives_dir, 'other', '1.0'))
    return index


def built_with(buildout):
    return re.search("'(.*)'", (buildout.egg('demo') / 'demo/built_with.py').read_text())[1]


@pytest.mark.slow
def test_what_constrains_builds_counts_by_content_and_for_source_distributions_alone(
        buildout_factory, setuptools_index, tmp_path, cache_dir):
    part = egg_part('demo', 'other', versions={'demo': '1.0', 'other': '1.0'})
    isolated = {'PIP_NO_BUILD_ISOLATION': None, 'PIP_NO_INDEX': None,
                'PIP_INDEX_URL': setuptools_index.url}  # fmt: skip
    cold = buildout_factory(part)
    cold.run(env=isolated)
    newest = support_tools.find('setuptools').version
    assert built_with(cold) == newest != OLDER
    # The egg that is there may be another one than where nobody knows what decides about it.
    loop = tmp_path / 'loop.cfg'
    os.symlink(loop, loop)              # setuptools passes it over.
    result = buildout_factory(part).run(env={**isolated, 'DIST_EXTRA_CONFIG': loop})
    assert copied(result) == ['other 1.0']
    [line] = result.lines('demo 1.0 is not stored in the egg cache: ')
    assert f"{loop} can't be read" in line
    files = [tmp_path / 'constraints.txt', tmp_path / 'others.txt']
    files[0].write_text(f'# Why so old?\nsetuptools == {OLDER}\n')
    files[1].write_text(f'setuptools  ==  {OLDER}   # the same\n')
    constrained = {**isolated, 'PIP_BUILD_CONSTRAINT': files[0]}
    warm = buildout_factory(part)
    assert copied(warm.run(env=constrained)) == ['other 1.0']
    assert built_with(warm) == OLDER
    # The same content is the same constraint, whatever the file is called and whoever names it.
    configuration = tmp_path / 'pip.conf'
    configuration.write_text(f'[install]\nbuild-constraint = {files[1]}\n')
    other = buildout_factory(part)
    assert copied(other.run(env={**isolated, 'PIP_CONFIG_FILE': configuration})) == [
        'demo 1.0', 'other 1.0']
    assert built_with(other) == OLDER
    described = [path.read_text() for path in cache_dir.glob('v1/*/environment.json')]
    assert sorted(f'setuptools == {OLDER}' in text for text in described) == [False, True]
