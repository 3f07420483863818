"""egg-cache show: where an egg comes from, what it is made of, and who used it."""

import json
import os
from dataclasses import replace

import pytest
from support.command import answer, run
from support.eggs import (
    BUILD,
    BUILT,
    ENVIRONMENT,
    KEY,
    add,
    archive,
    manifest,
    new_store,
    overwrite,
    write_egg,
)

from egg.cache.commands.cache import showing
from egg.cache.stats import history
from egg.cache.store.layout import ENVIRONMENT as ENVIRONMENT_NAME
from egg.cache.store.manifest import Build

pytestmark = pytest.mark.usefixtures('three_days_later')
SHA256 = archive('demo', '1.0').sha256


@pytest.fixture
def entry(cache, tmp_path):
    """The entry of demo 1.0, used two hours ago, in an environment that is described."""
    store = new_store(cache)
    path = store.layout.environment(KEY) / ENVIRONMENT_NAME
    path.write_text(json.dumps(ENVIRONMENT.describe()))
    built_from = archive('demo', '1.0', url='https://example.com/demo-1.0-py3-none-any.whl')
    egg = write_egg(tmp_path / 'egg', 'demo', '1.0')
    os.symlink('__init__.py', egg / 'demo/link')
    found = store.add(manifest(egg, built_from=built_from), egg)
    os.utime(found.path, (0, BUILT + 3 * 86400 - 7200))
    return found


def test_show_tells_everything(capsys, cache, entry):
    assert run(capsys, 'show', 'demo', '--cache', cache) == (0, (
        'demo 1.0\n'
        '  archive      demo-1.0-py3-none-any.whl (wheel)\n'
        '  from         https://example.com/demo-1.0-py3-none-any.whl\n'
        f'  sha256       {SHA256}\n'
        '  built        2024-05-06T07:08:09Z (3 days ago)\n'
        '  took         12 s\n'
        '  with         zc.buildout 6.0.1, Python 3.12.3, pip 24.0\n'
        f'  environment  {KEY}\n'
        '               CPython 3.12, Linux x86_64 with glibc 2.36, zc.buildout 5 or later\n'
        '  size         59 B, 3 files\n'
        '  last use     2024-05-09T05:08:09Z (2 h ago)\n'
        f'  entry        {entry.path}\n'
    ), '')


def test_show_lists_the_files_if_asked_for(capsys, cache, entry):
    status, output, _ = run(capsys, 'show', 'demo', '--files', '--cache', cache)
    assert status == 0
    assert output.splitlines()[-3:] == [
        '        12 B  demo/__init__.py', '        link  demo/link',
        '        47 B  demo-1.0.dist-info/METADATA']  # fmt: skip


def test_show_as_json(capsys, cache, entry):
    [found] = answer(capsys, 'show', 'demo', '--cache', cache)['entries']
    assert found == {
        'project': 'demo', 'version': '1.0', 'egg': 'demo-1.0-py3.12.egg', 'path': str(entry.path),
        'environment': KEY,
        'environment_parts': {
            'tag': 'cp312', 'platform': 'manylinux_2_36_x86_64', 'egg_format': 5, 'variables': {},
            'egg_cache_key': '',
        },
        'archive': {
            'name': 'demo-1.0-py3-none-any.whl', 'kind': 'wheel', 'sha256': SHA256,
            'url': 'https://example.com/demo-1.0-py3-none-any.whl',
        },
        'build': {
            'at': BUILD.at, 'seconds': 12.5, 'buildout': '6.0.1', 'python': '3.12.3',
            'pip': '24.0',
        },
        'size': 59, 'file_count': 3, 'last_used_at': '2024-05-09T05:08:09Z', 'uses': [],
    }  # fmt: skip
    [found] = answer(capsys, 'show', 'demo', '--files', '--cache', cache)['entries']
    assert [sorted(row) for row in found['files']] == [
        ['mode', 'path', 'sha256', 'size'], ['path', 'target'], ['mode', 'path', 'sha256', 'size']]


def test_show_names_the_buildouts_that_used_it(capsys, cache, entry, monkeypatch):
    known = {'/home/ada/one': BUILT + 86400.0, '/home/ada/two': BUILT + 2 * 86400.0}
    asked = []

    def uses(layout, project, version):
        asked.append((layout.root, project, version))
        return known

    monkeypatch.setattr(history, 'uses', uses)
    output = run(capsys, 'show', 'demo', '--cache', cache)[1]
    assert asked == [(cache, 'demo', '1.0')]
    assert ('  used by      /home/ada/two, 1 day ago\n'
            '               /home/ada/one, 2 days ago\n') in output  # fmt: skip
    [found] = answer(capsys, 'show', 'demo', '--cache', cache)['entries']
    assert found['uses'] == [
        {'buildout': '/home/ada/two', 'last_at': '2024-05-08T07:08:09Z'},
        {'buildout': '/home/ada/one', 'last_at': '2024-05-07T07:08:09Z'},
    ]


def test_show_shows_each_entry_that_satisfies(capsys, cache, entry, tmp_path):
    add(new_store(cache), tmp_path / 'new', 'demo', '2.0')
    add(new_store(cache), tmp_path / 'other', 'other', '2.0')
    for wanted, titles in (('demo', ['demo 1.0', 'demo 2.0']), ('Demo>=2', ['demo 2.0'])):
        status, output, _ = run(capsys, 'show', wanted, '--cache', cache)
        blocks = output.split('\n\n')
        assert (status, [block.partition('\n')[0] for block in blocks]) == (0, titles)


@pytest.mark.parametrize('make', [lambda cache: cache.mkdir(), new_store, lambda cache: None])
def test_in_an_empty_or_missing_cache_nothing_satisfies(capsys, cache, make):
    make(cache)
    status, output, errors = run(capsys, 'show', 'demo', '--cache', cache)
    assert (status, output) == (1, '')
    assert errors.endswith(f'Nothing in {cache} (named by --cache) satisfies demo.\n')
    assert answer(capsys, 'show', 'demo', '--cache', cache, status=1)['entries'] == []


def test_what_is_no_requirement_is_status_2(capsys, cache, entry):
    status, output, errors = run(capsys, 'show', 'demo*', '--cache', cache)
    assert (status, output) == (2, '')
    assert errors.startswith("'demo*' is not a requirement: ")


def test_a_damaged_entry_is_named_and_is_status_1(capsys, cache, entry, tmp_path):
    add(new_store(cache), tmp_path / 'new', 'demo', '2.0')
    overwrite(entry.path / 'entry.json', b'{}')
    status, output, errors = run(capsys, 'show', 'demo', '--cache', cache)
    assert status == 1
    assert output.startswith('demo 2.0\n')
    assert errors.startswith('demo 1.0 is damaged: entry.json: expected')
    document = answer(capsys, 'show', 'demo', '--cache', cache, status=1)
    assert [found['version'] for found in document['entries']] == ['2.0']
    assert [found['path'] for found in document['damaged']] == [str(entry.path)]


def test_an_egg_that_was_taken_over_has_no_archive(capsys, cache, tmp_path):
    egg = write_egg(tmp_path / 'egg')
    built_from = archive(suffix='-py3.12.egg.unknown', url='file:///srv/eggs/demo-1.0-py3.12.egg')
    adopted = replace(manifest(egg, built_from=built_from),
                      build=Build(0.0, BUILD.at, '', '', ''))  # fmt: skip
    new_store(cache).add(adopted, egg)
    output = run(capsys, 'show', 'demo', '--cache', cache)[1]
    assert (
        '  archive      not known: the egg was taken over as it was\n'
        '  from         file:///srv/eggs/demo-1.0-py3.12.egg\n'
        f'  sha256       {built_from.sha256} (of the egg)\n'
        '  taken over   2024-05-06T07:08:09Z (3 days ago)\n'
        f'  environment  {KEY}\n'
    ) in output
    [found] = answer(capsys, 'show', 'demo', '--cache', cache)['entries']
    assert (found['archive']['name'], found['archive']['kind']) == (None, 'unknown')
    assert found['build'] == {
        'at': BUILD.at, 'seconds': None, 'buildout': None, 'python': None, 'pip': None}


def test_names_are_not_obeyed_by_the_terminal(capsys, cache, tmp_path):
    add(new_store(cache), tmp_path, files={'a\x1b[31mb': b''})
    output = run(capsys, 'show', 'demo', '--files', '--cache', cache)[1]
    assert '\x1b' not in output
    assert 'a\\x1b[31mb' in output


@pytest.mark.parametrize(('parts', 'expected'), [
    ({'tag': 'cp313t', 'platform': 'musllinux_1_2_aarch64', 'egg-format': 4},
     'CPython 3.13 free-threaded, Linux aarch64 with musl 1.2, zc.buildout before 5'),
    ({'tag': 'cp39', 'platform': 'macosx_14_0_arm64', 'egg-format': 5,
      'variables': {'CFLAGS': '-O3', 'CC': 'clang'}, 'egg-cache-key': 'openssl-3'},
     ('CPython 3.9, macOS 14.0 arm64, zc.buildout 5 or later, CC=clang, CFLAGS=-O3, '
      'egg-cache-key = openssl-3')),
    ({'tag': 'pp310_pypy310', 'platform': 'linux_x86_64'}, 'pp310_pypy310, linux_x86_64'),
    ({'tag': 5, 'platform': None, 'egg-format': 'x', 'variables': 3}, '5, None'),
])  # fmt: skip
def test_environments_in_words(parts, expected):
    assert showing.in_words(showing.environment_parts(parts)) == expected


def test_an_environment_that_is_not_described_has_its_key(capsys, cache, entry):
    os.unlink(cache / 'v1' / KEY / ENVIRONMENT_NAME)
    output = run(capsys, 'show', 'demo', '--cache', cache)[1]
    assert f'  environment  {KEY}\n  size ' in output
