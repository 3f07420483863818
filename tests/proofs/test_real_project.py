"""Does a project as Plone shops have them build in a second checkout, without any network?

An instance, a server for its data, a file made of a template, a source that mr.developer checks
out of a git repository, a develop egg with a C extension and one that hatchling builds; everything
is pinned, and all of it comes from its real index, once.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import loopback, own, trees
from support.programs import require, require_compiler
from support.runner import environment
from support.shop import ONLINE, PINS, timed

pytestmark = pytest.mark.slow

# What is beside zc.buildout, and the release of the recipe that goes with it.
BESIDE = ['setuptools==80.9.0', 'wheel==0.45.1', 'mr.developer==3.0.0']
RECIPES = {'5.2.0': '3.0.0', '6.0.1': '6.0.0'}

CONFIG = '''
[buildout]
extends = zope.cfg
extensions = egg.cache mr.developer
egg-cache = {cache}
allow-picked-versions = false
auto-checkout = acme.theme
develop = fast web
parts = instance zeoserver conf zopepy

[sources]
acme.theme = git file://{repository}

[instance]
recipe = plone.recipe.zope2instance
user = admin:admin
http-address = 8080
zodb-temporary-storage = off
zeo-client = on
zeo-address = 8100
eggs =
    Zope
    acme.theme
    acme.fast
    {hatched}

[zeoserver]
recipe = plone.recipe.zeoserver
zeo-address = 8100

[conf]
recipe = collective.recipe.template
input = ${{buildout:directory}}/site.conf.in
output = ${{buildout:directory}}/etc/site.conf

[zopepy]
recipe = zc.recipe.egg
eggs = ${{instance:eggs}}
interpreter = zopepy

[versions]
zc.recipe.egg = {recipe}
plone.recipe.zope2instance = 9.1.0
plone.recipe.zeoserver = 4.0.1
collective.recipe.template = 3.0.0
typing-extensions = 4.16.0
ZEO = 6.2
ZopeUndo = 6.1
python-dotenv = 1.2.4
zdaemon = 5.2.1
{beside}
'''

SOURCES = {
    'site.conf.in': 'port = ${instance:http-address}\n',
    'fast/setup.py': '''\
from setuptools import Extension, setup
setup(name='acme.fast', version='1.0', packages=['acme_fast'],
      ext_modules=[Extension('acme_fast._fast', ['fast.c'])])
''',
    'fast/acme_fast/__init__.py': '',
    'fast/fast.c': '''\
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fast", NULL, -1, methods};
PyMODINIT_FUNC PyInit__fast(void) { return PyModule_Create(&module); }
''',
    'web/pyproject.toml': '''\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acmeweb"
version = "1.0"
dependencies = ["acme.fast"]
''',
    'web/acmeweb/__init__.py': '',
}
THEME = {
    'setup.py': '''\
from setuptools import setup
setup(name='acme.theme', version='1.0', packages=['acme_theme'], install_requires=['Zope'])
''',
    'acme_theme/__init__.py': '',
}
# zc.buildout 5 doesn't find a develop egg whose backend leaves no metadata in its source.
FINDS_HATCHED = ('6.0.1',)


def write(directory, texts):
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(directory, *arguments):
    identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org']
    subprocess.run(['git', *identity, *arguments], cwd=directory, check=True,
                   capture_output=True)  # fmt: skip


class Project:
    """Checkouts of one project, and what is beside their zc.buildout."""

    def __init__(self, top, release):
        self.top = top
        self.release = release
        self.venv = top / 'venv'
        home = top / 'home'
        home.mkdir()
        self.env = environment(home, ONLINE)
        write(top / 'theme', THEME)
        git(top / 'theme', 'init', '-q')
        git(top / 'theme', 'add', '.')
        git(top / 'theme', 'commit', '-qm', 'First')
        wheel = own.egg_cache_wheel(top, '1.0')
        self.run(sys.executable, '-m', 'venv', self.venv)
        self.run(self.venv / 'bin/python', '-m', 'pip', 'install', '-q', wheel,
                 f'zc.buildout=={release}', *BESIDE)  # fmt: skip
        freeze = self.run(self.venv / 'bin/python', '-m', 'pip', 'list', '--format', 'freeze')
        self.beside = re.sub('==', ' = ', freeze)

    def run(self, *command, directory=None):
        return timed(command, directory or self.top, self.env)[0]

    def check_out(self, name):
        directory = self.top / name
        write(directory, SOURCES)
        (directory / 'zope.cfg').write_text(PINS.read_text())
        hatched = 'acmeweb' if self.release in FINDS_HATCHED else ''
        (directory / 'buildout.cfg').write_text(CONFIG.format(
            cache=self.top / 'cache', repository=self.top / 'theme', hatched=hatched,
            recipe=RECIPES[self.release], beside=self.beside))  # fmt: skip
        return directory


@pytest.mark.parametrize('release', RECIPES)
def test_a_second_checkout_builds_without_a_network(tmp_path, release):
    require('unshare')
    require('git')
    require_compiler()
    project = Project(tmp_path, release)
    buildout, egg_cache = project.venv / 'bin/buildout', project.venv / 'bin/egg-cache'
    first, second = project.check_out('first'), project.check_out('second')
    built = project.run(buildout, directory=first)
    count = len(list((first / 'eggs/v5').glob('*.egg')))
    assert count > 85 and re.search(rf'Egg cache: 0 of \d+ eggs copied, {count} built', built)

    project.run(*loopback.alone(egg_cache, 'why', '--all'), directory=second)
    output = project.run(*loopback.alone(buildout), directory=second)
    assert f'Egg cache: {count} of {count} eggs copied' in output
    assert output.count('Took from the egg cache what the build requires') == 3
    said = [line for line in output.splitlines() if 'UserWarning' not in line]
    assert re.findall(r'.*(?:\bindex\b|https?://|Download error|No answer).*',
                      '\n'.join(said)) == []  # fmt: skip

    before, after = (trees.snapshot(where / 'eggs/v5') for where in (first, second))
    del before['.'], after['.']
    # Of what runs zc.buildout, a directory of metadata was renamed after the egg was stored.
    assert [line for line in trees.differences(before, after)
            if not re.match(r'[^/]+\.egg: time ', line)] == []  # fmt: skip
    names = [sorted(path.name for path in (where / 'bin').iterdir()) for where in (first, second)]
    assert names[0] == names[1] and {'instance', 'zeoserver', 'runzeo', 'repozo'} & set(names[0])
    assert (second / 'etc/site.conf').read_text() == 'port = 8080\n'
    hatched = ', acmeweb' if release in FINDS_HATCHED else ''
    check = f'import acme_fast._fast, acme_theme, Zope2{hatched}; print(acme_fast._fast.answer())'
    assert project.run(*loopback.alone(second / 'bin/zopepy', '-c', check)) == '42\n'
    assert Path(second, 'src/acme.theme/.git').is_dir()

    # And again, as people do it on a machine that never has one.
    output = project.run(*loopback.alone(buildout, '-o'), directory=second)
    assert output.count('Took from the egg cache what the build requires') == 3

    # Nor does its release need one. Not all of these recipes tell buildout of their scripts.
    archive, root = tmp_path / 'shop.tar.gz', tmp_path / 'production'
    project.run(*loopback.alone(egg_cache, 'pack', second, '-o', archive,
                                '--include', 'site.conf.in'))  # fmt: skip
    for path in (first, second):
        os.rename(path, tmp_path / f'{path.name}-away')
    project.run(*loopback.alone(egg_cache, 'install', archive, root))
    current = root / 'current'
    made = {path.name for path in (current / 'bin').iterdir()}
    assert set(names[0]) <= made
    assert project.run(*loopback.alone(current / 'bin/zopepy', '-c', check)) == '42\n'
    for name in ('instance', 'zeoserver'):
        assert 'start' in project.run(current / 'bin' / name, 'help')
