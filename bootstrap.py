"""How does a fresh checkout get its bin/buildout?

    python3 bootstrap.py && bin/buildout

needs a Python, its standard library, and an index of packages. zc.buildout, egg.cache as it is in
this checkout, and what the two require become eggs in the eggs directory of this buildout;
nothing else of the machine is touched. Which versions these are, and which digests they have, is
in constraints.txt. Run it again whenever egg.cache or that file has changed.
"""
from __future__ import print_function

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

OLDEST_PYTHON = (3, 10)
CHECKOUT = os.path.dirname(os.path.abspath(__file__))

# What egg.cache is built from: copied first, so that building leaves nothing in the checkout.
SOURCES = [
    'setup.py', 'setup.cfg', 'pyproject.toml', 'LICENSE', 'README.rst', 'CHANGES.rst', 'src']

# What zc.buildout and egg.cache require, and what that requires. pip refuses what is not named.
NEEDED = [
    'filelock', 'packaging', 'pip', 'platformdirs', 'setuptools', 'wheel', 'zc-buildout']
PINS = 'constraints.txt'

OWN_EGG_PREFIXES = ('egg.cache-', 'egg_cache-')
STAGE_NAME = '.bootstrap'
SHOWN_LINE_COUNT = 20

# Goes into bin/buildout. What is installed beside the interpreter must not stand in for an egg,
# and nothing is built with another setuptools than ours: `build_isolation = 0`, as pip reads it.
ONLY_OUR_EGGS = """\
import os
os.environ['PIP_NO_BUILD_ISOLATION'] = '0'
sys.path[:] = [
    path for path in sys.path
    if os.path.basename(path) not in ('site-packages', 'dist-packages')]"""


def main():
    """Make bin/buildout, or say in the last line why it can't be made, and exit with 1."""
    if sys.version_info < OLDEST_PYTHON:
        fail('Python %s is too old for egg.cache; take %d.%d or newer.'
             % ((sys.version.split()[0],) + OLDEST_PYTHON))
    work_path = tempfile.mkdtemp(prefix='bootstrap-')
    try:
        pip = make_pip(work_path)
        wheels_path = collect_wheels(pip, work_path)
        library_path = unpack(pip, wheels_path, work_path)
        run_second_stage(library_path, wheels_path)
    except KeyboardInterrupt:
        fail('Interrupted.')
    finally:
        shutil.rmtree(work_path, ignore_errors=True)


def fail(message, output=''):
    """Exit with 1; `message` is the last thing on stderr, after the closing lines of `output`."""
    for line in output.splitlines()[-SHOWN_LINE_COUNT:]:
        print('    ' + line, file=sys.stderr)
    sys.exit('bootstrap: ' + message)


def run(args, complaint, **options):
    """Run a command quietly; when it fails, show the end of its output and fail too."""
    process = subprocess.Popen(
        args, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options)
    output = process.communicate()[0].decode('utf-8', 'replace')
    if process.returncode:
        fail(complaint, output)
    return output


def make_pip(work_path):
    """Return the command that runs the pip of a temporary virtual environment."""
    venv_path = os.path.join(work_path, 'venv')
    run([sys.executable, '-m', 'venv', venv_path],
        'This Python has no working venv with ensurepip; install it '
        '(on Debian and Ubuntu: apt install python3-venv), or take another Python.')
    bin_name = 'Scripts' if os.name == 'nt' else 'bin'
    python_path = os.path.join(venv_path, bin_name, 'python')
    return [python_path, '-I', '-m', 'pip', '--disable-pip-version-check']


def collect_wheels(pip, work_path):
    """Return a directory with one wheel for each distribution that bin/buildout needs."""
    print('Getting zc.buildout and what it needs.')
    sys.stdout.flush()
    sources_path = copy_sources(os.path.join(work_path, 'sources'))
    wheels_path = os.path.join(work_path, 'wheels')
    pins_path = os.path.join(work_path, 'requirements.txt')
    with open(os.path.join(CHECKOUT, PINS)) as constraints, open(pins_path, 'w') as pins:
        pins.write(selected(constraints.read(), NEEDED))
    run(pip + ['download', '--require-hashes', '--only-binary', ':all:', '--dest', wheels_path,
               '--requirement', pins_path],
        'pip could not get what bin/buildout needs; what it said is above. '
        'Is there a network, and does it lead to an index of packages?')
    build_own_wheel(pip, sources_path, wheels_path)
    return wheels_path


def selected(constraints, projects):
    """Return what `constraints` say of these projects: pins with their markers and digests.

    A pin is a line, and those that continue it. Names are normalised (PEP 503).
    """
    blocks = re.findall(r'^[a-z0-9].*(?:\n[ \t]+.*)*\n?', constraints, re.M)
    return ''.join(block for block in blocks if block.partition('==')[0] in projects)


def build_own_wheel(pip, sources_path, wheels_path):
    """Build egg.cache with the setuptools that is among the wheels, and no other."""
    from_wheels = ['--no-index', '--find-links', wheels_path]
    complaint = 'pip could not build egg.cache; what it said is above.'
    # Not --upgrade alone: the pin may be older than what the environment came with.
    run(pip + ['install', '--force-reinstall', '--no-deps'] + from_wheels + ['setuptools'],
        complaint)
    run(pip + ['wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', wheels_path]
        + from_wheels + [sources_path], complaint)


def copy_sources(target_path):
    """Copy what egg.cache is built from, without what earlier builds left in it."""
    os.mkdir(target_path)
    ignore = shutil.ignore_patterns('*.egg-info', '__pycache__')
    for name in SOURCES:
        source = os.path.join(CHECKOUT, name)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(target_path, name), ignore=ignore)
        elif os.path.exists(source):
            shutil.copy(source, target_path)
    return target_path


def unpack(pip, wheels_path, work_path):
    """Return a directory from which everything that is in the wheels can be imported."""
    library_path = os.path.join(work_path, 'library')
    wheels = [os.path.join(wheels_path, name) for name in sorted(os.listdir(wheels_path))]
    run(pip + ['install', '--no-index', '--no-deps', '--target', library_path] + wheels,
        'pip could not unpack what it got; what it said is above.')
    return library_path


def run_second_stage(library_path, wheels_path):
    """Run this file again, with this interpreter, but able to import zc.buildout.

    -S, as old namespace packages in site-packages would hide those in `library_path`.
    """
    environ = dict(os.environ, PYTHONPATH=library_path, PYTHONNOUSERSITE='1')
    output = run([sys.executable, '-S', '-W', 'ignore', os.path.abspath(__file__), wheels_path],
                 'The eggs could not be made; what went wrong is above.', env=environ)
    print(output.splitlines()[-1])


# ---------------------------------------------------------------------------------------------
# The second stage: only from here on, zc.buildout can be imported.


def make_buildout(wheels_path):
    """Turn the wheels into eggs as buildout itself does, and write the script that uses them."""
    # First, as it puts pkg_resources and distutils in place.
    from zc.buildout.buildout import Buildout

    options = Buildout(os.path.join(CHECKOUT, 'buildout.cfg'), [])['buildout']
    egg_paths = make_eggs(wheels_path, options['eggs-directory'])
    write_script(egg_paths, options['bin-directory'])


def make_eggs(wheels_path, eggs_path):
    """Return the paths of the eggs; each appears by a rename, so none is ever half there."""
    stage_path = os.path.join(eggs_path, STAGE_NAME)
    # It is there when an earlier run was killed.
    shutil.rmtree(stage_path, ignore_errors=True)
    os.makedirs(stage_path)
    try:
        for name in sorted(os.listdir(wheels_path)):
            stage_egg(os.path.join(wheels_path, name), stage_path)
        names = sorted(name for name in os.listdir(stage_path) if name.endswith('.egg'))
        return [commit_egg(name, stage_path, eggs_path) for name in names]
    finally:
        shutil.rmtree(stage_path, ignore_errors=True)


def stage_egg(wheel_path, stage_path):
    """Make the egg of one wheel in `stage_path`, with buildout's own code."""
    from zc.buildout import easy_install

    wheel = easy_install.Wheel(wheel_path)
    dist = easy_install.pkg_resources.Distribution(
        wheel_path, project_name=wheel.project_name, version=wheel.version)
    egg = easy_install._move_to_eggs_dir_and_compile(dist, stage_path)
    restore_metadata_name(egg.location, wheel.project_name, wheel.version)
    hide_vendored_distributions(egg.location)


def restore_metadata_name(egg_path, project, version):
    """Call the metadata of an egg `<project>-<version>.dist-info` again, as its wheel did.

    zc.buildout 5 and 6 add the platform, and since 24.1 pip refuses to run beside a setuptools
    whose version looks like that. It must run beside these eggs, whenever buildout calls it.
    """
    plain_path = os.path.join(egg_path, '%s-%s.dist-info' % (project, version))
    for name in os.listdir(egg_path):
        if name.endswith('.dist-info'):
            os.rename(os.path.join(egg_path, name), plain_path)


def hide_vendored_distributions(egg_path):
    """Take the metadata away from the copies of other distributions that setuptools brings.

    Their directory is on sys.path as soon as setuptools is imported, so buildout would take
    setuptools' copy of packaging for an egg, and prefer it to ours.
    """
    for path in glob.glob(os.path.join(egg_path, 'setuptools', '_vendor', '*.dist-info')):
        shutil.rmtree(path)


def commit_egg(name, stage_path, eggs_path):
    """Move a staged egg into place; only that of egg.cache replaces the one that is there."""
    path = os.path.join(eggs_path, name)
    if os.path.exists(path) and name.startswith(OWN_EGG_PREFIXES):
        os.rename(path, os.path.join(stage_path, 'replaced'))
    if not os.path.exists(path):
        os.rename(os.path.join(stage_path, name), path)
    return path


def write_script(egg_paths, bin_path):
    """Write bin/buildout, for this interpreter and these eggs."""
    from zc.buildout import easy_install

    if not os.path.isdir(bin_path):
        os.makedirs(bin_path)
    working_set = easy_install.pkg_resources.WorkingSet(egg_paths)
    script_paths = easy_install.scripts(
        ['zc.buildout'], working_set, sys.executable, bin_path, initialization=ONLY_OUR_EGGS)
    for path in script_paths:
        print('%s is ready.' % path)


if __name__ == '__main__':
    if len(sys.argv) > 1:
        make_buildout(sys.argv[1])
    else:
        main()
