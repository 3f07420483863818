"""What does a build host look like on which a real application was built?

Zope with a WSGI instance, in a new virtual environment, all of it from the real index.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from support import loopback, own
from support.runner import environment

PINS = Path(__file__).resolve().parents[2] / 'benchmarks' / 'zope.cfg'
# As a user has it: pip may ask its index and isolate builds.
ONLINE = {'PIP_NO_INDEX': None, 'PIP_NO_BUILD_ISOLATION': None}

CONFIG = '''
[buildout]
extends = zope.cfg
extensions = egg.cache
egg-cache = {cache}
parts = zope zope.conf zope.ini

[zope]
scripts = runwsgi

[instance]
recipe = collective.recipe.template
input = ${{buildout:directory}}/templates/${{:name}}.in
output = ${{buildout:parts-directory}}/instance/${{:name}}
# Outside of all releases, and not there yet on a build host.
data = {data}

[zope.conf]
<= instance
name = zope.conf

[zope.ini]
<= instance
name = zope.ini
port = {port}

[versions]
zc.recipe.egg = {recipe}
collective.recipe.template = 2.2
'''

TEMPLATES = {
    'zope.conf.in': '''\
instancehome ${:data}
<zodb_db main>
    mount-point /
    <filestorage>
        path ${:data}/Data.fs
    </filestorage>
</zodb_db>
''',
    'zope.ini.in': '''\
[app:zope]
use = egg:Zope#main
zope_conf = ${buildout:parts-directory}/instance/zope.conf

[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = ${:port}

[pipeline:main]
pipeline = egg:Zope#httpexceptions zope
''',
}


class BuildHost:
    """Its buildout is `shop`, its virtual environment `venv`, its cache `cache`."""

    def __init__(self, directory, recipe):
        self.directory = Path(directory)
        self.shop, self.venv, self.cache = (
            self.directory / name for name in ('shop', 'venv', 'cache'))
        self.data = self.directory / 'production' / 'data'
        self.home = self.directory / 'home'
        self.home.mkdir(parents=True)
        self.env = environment(self.home, ONLINE)
        self.seconds = {}
        self._write(recipe)

    def _write(self, recipe):
        (self.shop / 'templates').mkdir(parents=True)
        shutil.copy(PINS, self.shop)
        (self.shop / 'buildout.cfg').write_text(CONFIG.format(
            cache=self.cache, data=self.data, port=loopback.PORT, recipe=recipe))
        for name, text in TEMPLATES.items():
            (self.shop / 'templates' / name).write_text(text)

    def install_tools(self):
        """Make the virtual environment, with egg.cache as it is here."""
        wheels = self.directory / 'wheels'
        wheels.mkdir()
        wheel = own.egg_cache_wheel(wheels, '1.0')
        self.run('venv', sys.executable, '-m', 'venv', self.venv)
        self.run('tools', self.venv / 'bin/python', '-m', 'pip', 'install', '-q',
                 f'zc.buildout=={version("zc.buildout")}', wheel)

    def pin(self, project, release):
        """Let the buildout have another release of a project."""
        path = self.shop / PINS.name
        lines = path.read_text().splitlines()
        path.write_text(''.join(
            f'{project} = {release}\n' if line.startswith(f'{project} = ') else f'{line}\n'
            for line in lines))

    def build(self, what):
        return self.run(what, self.venv / 'bin/buildout', directory=self.shop)

    def pack(self, what, name, *options):
        """Pack the buildout and return the archive."""
        path = self.directory / name
        self.run(what, self.venv / 'bin/egg-cache', 'pack', self.shop, '-o', path,
                 '--include', 'templates', *options)
        return path

    def run(self, what, *command, directory=None):
        """Run a program to its good end; return its output. `what` gets the seconds it took."""
        output, self.seconds[what] = timed(command, directory or self.directory, self.env)
        return output

    @contextlib.contextmanager
    def away(self):
        """Take away what a production host doesn't have."""
        hidden = self.directory / 'hidden'
        hidden.mkdir()
        places = (self.shop, self.venv, self.cache)
        for place in places:
            os.rename(place, hidden / place.name)
        try:
            yield
        finally:
            for place in places:
                os.rename(hidden / place.name, place)
            hidden.rmdir()


def timed(command, directory, env, status=0):
    """Run a program; return its output and the seconds it took. Fails for another status."""
    command = list(map(str, command))
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=1200)
    assert done.returncode == status, f'{command}: {done.returncode}\n{done.stdout}'
    return done.stdout, time.monotonic() - started
