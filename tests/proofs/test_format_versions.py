"""Format versions: a later one lies beside this one, and neither looks into the other's."""

import json
import os

from support import scenes, trees
from support.eggs import KEY, overwrite, sealed

from egg.cache.store.layout import FORMAT


def later_format(place):
    """Write what some later version could have written."""
    entry = place.cache / 'v2' / KEY / 'eggs' / 'demo' / '1.0' / 'aaaaaaaaaaaaaaaa'
    entry.mkdir(parents=True)
    (entry / 'entry.json').write_text('{"format": 2}')
    (place.cache / 'v2' / 'index.sqlite').write_bytes(b'SQLite')
    (place.cache / 'v10').mkdir()
    return trees.snapshot(place.cache / 'v2')


def test_this_version_leaves_a_later_one_alone(tmp_path):
    assert FORMAT == 1
    place = scenes.Place(tmp_path)
    scenes.run(place)
    before = later_format(place)
    os.utime(place.cache / 'v10', (1, 1))
    for action in (scenes.run, scenes.refresh, scenes.remove, scenes.run, scenes.sweep):
        action(place)
        assert trees.differences(before, trees.snapshot(place.cache / 'v2')) == []
    assert scenes.faults(place.layout) == []
    assert scenes.run(place).built == 0
    assert (place.cache / 'v10').is_dir()


def test_a_later_version_leaves_this_one_alone(tmp_path, monkeypatch):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    before = trees.snapshot(place.cache / 'v1')
    with monkeypatch.context() as patch:
        patch.setattr('egg.cache.store.layout.FORMAT', 2)
        patch.setattr('egg.cache.store.manifest.FORMAT', 2)
        assert scenes.run(place).built == 1
        assert scenes.run(place).built == 0
        scenes.remove(place)
        scenes.sweep(place)
        assert (place.cache / 'v2').is_dir()
    assert trees.differences(before, trees.snapshot(place.cache / 'v1')) == []
    assert scenes.run(place).built == 0


def test_a_manifest_of_a_later_format_is_no_entry_of_this_one(tmp_path, caplog):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    entry = scenes.entry(place)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    row['format'] = 2
    overwrite(entry.path / 'entry.json', sealed(row))
    assert scenes.run(place).built == 1
    assert 'the format is not 1' in caplog.text


def test_an_unknown_field_is_kept_and_ignored(tmp_path, caplog):
    place = scenes.Place(tmp_path)
    scenes.run(place)
    entry = scenes.entry(place)
    row = json.loads((entry.path / 'entry.json').read_bytes())
    row['signature'] = {'by': ['somebody'], 'value': 'x' * 99}
    text = sealed(row)
    overwrite(entry.path / 'entry.json', text)
    assert scenes.run(place).built == 0
    assert caplog.messages == []
    assert (entry.path / 'entry.json').read_bytes() == text
    assert scenes.entry(place).manifest.unknown == {'signature': row['signature']}
    assert scenes.faults(place.layout) == []
