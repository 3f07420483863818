"""Does a warm run take much more than plain buildout, counted in instructions?

Unlike seconds, instructions are nearly the same each time, on a busy machine, too. What the kernel
does is not among them: copying itself costs nothing here, whatever Python does around it does.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from support import archives
from support.runner import egg_part, environment

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'benchmarks'))

import bench

pytestmark = pytest.mark.slow

NAMES = [f'demo{number:02}' for number in range(12)]
FILE_COUNT = 250
FILE_SIZE = 4096
#: Eggs that nobody wants: whoever looks at all eggs after each one that arrived pays for them.
OTHER_COUNT = 100

#: With zc.buildout 6.0.1 it was 1.52, 1.49 and 1.48 on Python 3.11, 3.12 and 3.13, the same each
#: time to 0.001. On 3.12 it was 1.67 with each file hashed twice, and 1.70 with a look at all eggs
#: after each one that arrived.
BOUND = 1.6

# Without what the tests usually watch a buildout with: that costs something for each file.
LAUNCH = '''
import json, site, sys
tools = json.loads(sys.argv.pop(1))
sys.path[:0] = tools
for path in tools:
    site.addsitedir(path)
from zc.buildout.buildout import main
main()
'''


def instructions(buildout, *options):
    command = [sys.executable, '-S', '-c', LAUNCH, json.dumps(buildout.tools), *options]
    found = bench.instructions(command, buildout.directory, environment(buildout.home))
    if found is None:
        reason = 'neither perf nor valgrind can count instructions here'
        if os.environ.get('CI'):
            pytest.fail(f'{reason}: the machine that proves everything needs valgrind')
        pytest.skip(reason)
    return found


def write_others(eggs):
    """Write eggs that hold nothing but their metadata."""
    for number in range(OTHER_COUNT):
        name = f'other{number:03}'
        info = eggs / f'{name}-1.0-py{sys.version_info[0]}.{sys.version_info[1]}.egg' / 'EGG-INFO'
        info.mkdir(parents=True)
        text = f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n'
        info.joinpath('PKG-INFO').write_text(text, encoding='utf-8')


def test_a_warm_run_takes_few_more_instructions_than_a_shared_eggs_directory(
    index, archives_dir, buildout_factory, say
):
    for name in NAMES:
        files = {f'{name}/{n}.txt': f'{n:{FILE_SIZE}}' for n in range(FILE_COUNT)}
        index.add(archives.make_wheel(archives_dir, name, '1.0', files=files))
    part = egg_part(*NAMES, versions=dict.fromkeys(NAMES, '1.0'))
    cold = buildout_factory(part)
    cold.run()
    # Once without counting: what Python compiles for the first time is nobody's share.
    buildout_factory(part).run()
    ours, plain = buildout_factory(part), buildout_factory(part, cache=False)
    for buildout in (cold, ours):
        write_others(buildout.path('eggs') / cold.eggs_directory.relative_to(cold.path('eggs')))
    # The plain one has its eggs already.
    shutil.copytree(cold.path('eggs'), plain.path('eggs'), symlinks=True)
    index.clear()
    with_cache, without = instructions(ours), instructions(plain)
    assert index.downloads == [] and ours.eggs == plain.eggs
    ratio = with_cache / without
    say(f'{with_cache / 1e6:,.0f} million instructions, {without / 1e6:,.0f} with a shared eggs '
        f'directory: {ratio:.3f}')
    assert ratio <= BOUND
