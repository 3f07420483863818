"""Sources of develop eggs become eggs, and stay as they are."""

import os
import sys

import pytest
from support import archives, shipping, trees
from support.eggs import flip, new_session

from egg.cache.buildout.build_requirements import BuildRequirements
from egg.cache.buildout.pip_reports import Installed
from egg.cache.common.errors import CacheError
from egg.cache.configuration import index_options
from egg.cache.environment import environment
from egg.cache.lookup import build_requirements
from egg.cache.release import build_archives, develop_eggs, required_eggs
from egg.cache.release.develop_eggs import Tools


@pytest.fixture
def source(tmp_path):
    path = shipping.make_source(tmp_path / 'source', 'mine', '0.3', ['dep'])
    for file in path.rglob('*'):
        os.utime(file, (1_600_000_000.5, 1_600_000_000.5))
    return path


def test_sources_are_found_in_links_and_metadata(tmp_path):
    links = tmp_path / 'develop-eggs'
    for name in ('a/src', 'b', 'c d'):
        (tmp_path / name).mkdir(parents=True)
    links.mkdir()
    (links / 'a.egg-link').write_text(f'{tmp_path}/a/src\n../')
    (links / 'b.egg-link').write_text('../b\n')
    for name, text in {
        'b': f'{{"url": "file://{tmp_path}/b", "dir_info": {{"editable": true}}}}',
        'c': f'{{"url": "file://{tmp_path}/c%20d", "dir_info": {{"editable": true}}}}',
        'd': '{"url": "file:///x", "dir_info": {}}', 'e': '{', 'f': '[]',
    }.items():  # fmt: skip
        (links / f'{name}.dist-info').mkdir()
        (links / f'{name}.dist-info/direct_url.json').write_text(text)
    assert develop_eggs.sources(links) == [tmp_path / 'a', tmp_path / 'b', tmp_path / 'c d']
    assert develop_eggs.sources(tmp_path / 'gone') == []


def test_the_newest_file_counts_but_what_buildout_or_python_wrote(source):
    for name in ('.installed.cfg', 'mine/x.pyc', '.git/index', 'mine.egg-info/PKG-INFO',
                 'build/lib/mine.py', 'eggs/x/y', '.venv/z'):  # fmt: skip
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text('')
    assert develop_eggs.newest(source, {str(source / 'eggs')}) == 1_600_000_000
    (source / 'mine/new.py').write_text('')
    assert develop_eggs.newest(source) > 1_600_000_000


def test_what_a_process_says_at_its_end_is_told(tmp_path):
    tools = Tools(sys.executable, [])
    code = 'print("x\\n" * 99 + "the end"); raise SystemExit(1)'
    with pytest.raises(CacheError, match=r'^what:\n(    x\n){14}    the end$'):
        tools.run(['-c', code], 'what', tmp_path)


def test_processes_have_the_eggs_of_buildout_and_no_settings_of_python(tmp_path, monkeypatch):
    monkeypatch.setenv('PYTHONHOME', '/gone')
    code = 'import os; assert os.environ["PYTHONPATH"] == "a:b" and "PYTHONHOME" not in os.environ'
    Tools(sys.executable, ['a', 'b']).run(['-c', code], 'what', tmp_path)


@pytest.mark.slow
def test_an_egg_is_made_twice_the_same_and_the_source_untouched(tmp_path, source, tools):
    eggs = tmp_path / 'eggs'
    eggs.mkdir()
    dep = shipping.Host(tmp_path / 'host').used[1]
    (source / 'build/lib/stale').mkdir(parents=True)
    (source / 'build/lib/stale/__init__.py').write_text('')
    before = trees.snapshot(source)
    made = []
    for number in range(2):
        scratch = tmp_path / f'scratch{number}'
        # An egg of that version, which somebody else made, is no reason to make none.
        other = archives.make_egg(tmp_path, 'mine', '0.3')
        path = [str(tmp_path / 'host/eggs/v5' / dep), str(other)]
        [(egg, found, time)] = develop_eggs.build(
            [source], Tools(sys.executable, tools), path, {'mine': '0.1', 'x': '${a:b}'}, (),
            scratch)
        made.append(trees.normalised(egg, volatile=('*.pyc',)))
        assert (found.title, found.version, found.requires) == ('mine', '0.3', ('dep',))
        assert time == 1_600_000_000
        assert required_eggs.read(egg) == found
    assert trees.differences(*made) == []
    assert not any('stale' in path or 'direct_url' in path for path in made[0])
    assert trees.differences(before, trees.snapshot(source)) == []


@pytest.mark.slow
def test_what_can_not_be_built_says_why(tmp_path, source, tools):
    (source / 'setup.py').write_text('raise SystemExit("no such luck")')
    with pytest.raises(CacheError, match=r'No wheel can be built of (?s:.*)no such luck'):
        develop_eggs.build(
            [source], Tools(sys.executable, tools), [], {}, (), tmp_path / 'scratch')


def test_what_its_build_got_before_is_laid_out_again(tmp_path, source, monkeypatch):
    monkeypatch.delenv('PIP_NO_BUILD_ISOLATION', raising=False)
    session = new_session(tmp_path / 'cache')
    session.open()
    key = environment.current(index_options.buildout_version(), 'mine').key
    origin = build_requirements.origin(str(source), 'i', key, index_options.pip_version())
    helper = archives.make_wheel(tmp_path, 'helper', '1.0')
    BuildRequirements(session, origin).keep([Installed('helper', '1.0', helper.as_uri(), '')])
    options = {'index': 'i', 'egg-cache-key': 'mine'}

    def laid_out(number, **changes):
        directory = tmp_path / str(number)
        directory.mkdir()
        done = build_archives.lay_out(source, {**options, **changes}, session.layout, directory)
        return done, [path.read_bytes() for path in directory.glob('*.whl')]

    assert laid_out(1) == (True, [helper.read_bytes()])
    # The build would be another one.
    assert laid_out(2, index='other') == laid_out(3, **{'egg-cache-key': ''}) == (False, [])
    monkeypatch.setenv('PIP_NO_BUILD_ISOLATION', '0')
    assert laid_out(4) == (False, [])
    monkeypatch.delenv('PIP_NO_BUILD_ISOLATION')
    [wheel] = (tmp_path / 'cache').glob('v1/archives/eggs/helper/1.0/*/*/*.whl')
    flip(wheel)
    assert not laid_out(5)[0]
