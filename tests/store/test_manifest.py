"""Manifest: what is an entry made of, and where does it come from?"""

import copy
import dataclasses
import hashlib
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.common.errors import DamagedError
from egg.cache.store import manifest as manifests
from egg.cache.store.manifest import Archive, Build, Item, Manifest

SHA256 = 'a1' * 32
SMALL = Manifest(
    project='Demo',
    version='1.0',
    egg='demo-1.0-py3.12.egg',
    archive=Archive('demo-1.0-py3-none-any.whl', SHA256, 'https://example.com/demo.whl'),
    build=Build(12.5, '2024-05-06T07:08:09Z', '6.0.1', '3.12.3', '24.0'),
    umask=0o022,
    items=(
        Item('.', 'directory', 0o755, 1234567890_987654321),
        Item('demo', 'directory', 0o755, 1),
        Item('demo/run', 'file', 0o755, -1, 5, 'b2' * 32),
        Item('demo/link', 'link', target='../run'),
    ),
)
TEXT = """\
{
  "format": 1,
  "project": "Demo",
  "version": "1.0",
  "egg": "demo-1.0-py3.12.egg",
  "archive": {
    "name": "demo-1.0-py3-none-any.whl",
    "kind": "wheel",
    "url": "https://example.com/demo.whl",
    "sha256": "A1"
  },
  "build": {
    "seconds": 12.5,
    "at": "2024-05-06T07:08:09Z",
    "zc.buildout": "6.0.1",
    "python": "3.12.3",
    "pip": "24.0"
  },
  "umask": "0022",
  "files": [
    {"path": ".", "kind": "directory", "mode": "0755", "mtime_ns": 1234567890987654321},
    {"path": "demo", "kind": "directory", "mode": "0755", "mtime_ns": 1},
    {"path": "demo/run", "kind": "file", "mode": "0755", "mtime_ns": -1, "size": 5, "sha256": "B2"},
    {"path": "demo/link", "kind": "link", "target": "../run"}
  ]""".replace('A1', SHA256).replace('B2', 'b2' * 32)  # noqa: E501

SCHEMA = json.loads(Path(manifests.__file__).with_name('entry.schema.json').read_text())
TYPES = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float)}


def complaints(value, schema=SCHEMA, where='$'):
    """Yield what is wrong with `value`, by the keywords that our schema uses."""
    if '$ref' in schema:
        yield from complaints(value, SCHEMA['$defs'][schema['$ref'].rpartition('/')[2]], where)
    if 'oneOf' in schema:
        fitting = [one for one in schema['oneOf'] if not list(complaints(value, one, where))]
        if len(fitting) != 1:
            yield f'{where} fits {len(fitting)} schemas'
    kind = TYPES.get(schema.get('type'), object)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not object):
        yield f'{where} is no {schema["type"]}'
        return
    if 'const' in schema and value != schema['const']:
        yield f'{where} is not {schema["const"]}'
    if 'enum' in schema and value not in schema['enum']:
        yield f'{where} is none of {schema["enum"]}'
    # `$` of JSON Schema is Python's `\Z`.
    if 'pattern' in schema and not re.search(schema['pattern'].replace('$', r'\Z'), value):
        yield f'{where} does not match'
    if len(value if isinstance(value, str) else 'x') < schema.get('minLength', 0):
        yield f'{where} is too short'
    if not schema.get('minimum', -math.inf) <= _number(value) <= schema.get('maximum', math.inf):
        yield f'{where} is out of range'
    if isinstance(value, list):
        if len(value) < schema.get('minItems', 0):
            yield f'{where} has too few items'
        for index, item in enumerate(value if 'items' in schema else ()):
            yield from complaints(item, schema['items'], f'{where}[{index}]')
    if isinstance(value, dict):
        for name in set(schema.get('required', ())) - set(value):
            yield f'{where}.{name} is missing'
        for name, part in schema.get('properties', {}).items():
            if name in value:
                yield from complaints(value[name], part, f'{where}.{name}')


def _number(value):
    if isinstance(value, float):
        return value if math.isfinite(value) else math.nan
    return value if isinstance(value, int) else 0


def sealed(row):
    """Return the text of a manifest with a right checksum, whatever `row` holds."""
    row.pop('checksum', None)
    body = json.dumps(row, indent=2)[:-2].encode()
    checksum = hashlib.sha256(body).hexdigest().encode()
    return body + b',\n  "checksum": "' + checksum + b'"\n}\n'


def small_row(*changes):
    """Return the JSON of the small manifest, with `changes`: (path, value) or (path,)."""
    row = json.loads(manifests.dump(SMALL))
    for path, *value in changes:
        *parents, name = path
        place = row
        for parent in parents:
            place = place[parent]
        if not value:
            del place[name]
        elif isinstance(place, list) and name == len(place):
            place.append(value[0])
        else:
            place[name] = value[0]
    return row


def file(path):
    return {'path': path, 'kind': 'file', 'mode': '0644', 'mtime_ns': 1, 'size': 1,
            'sha256': SHA256}  # fmt: skip


def directory(path):
    return {'path': path, 'kind': 'directory', 'mode': '0755', 'mtime_ns': 1}


# Reading and writing


def test_dump_writes_one_line_a_file_and_a_checksum_at_the_end():
    checksum = hashlib.sha256(TEXT.encode()).hexdigest()
    assert manifests.dump(SMALL).decode() == f'{TEXT},\n  "checksum": "{checksum}"\n}}\n'


def test_load_reads_what_dump_wrote():
    assert manifests.load(manifests.dump(SMALL)) == SMALL


@pytest.mark.parametrize(('name', 'kind'), [
    ('demo-1.0-py3-none-any.whl', 'wheel'), ('demo-1.0-py3.12.egg', 'egg'),
    ('demo-1.0.tar.gz', 'sdist'), ('demo-1.0.zip', 'sdist'), ('demo.whl.tar.gz', 'sdist'),
])  # fmt: skip
def test_an_archive_knows_its_kind_by_its_name(name, kind):
    assert Archive(name, SHA256).kind == kind


def test_size_is_that_of_all_files():
    items = (*SMALL.items, Item('x', 'file', 0o644, 0, 37, SHA256))
    manifest = dataclasses.replace(SMALL, items=items)
    assert manifest.size == 42
    assert [item.path for item in manifest.files] == ['demo/run', 'x']


def test_unknown_fields_are_kept():
    row = small_row((('signature',), {'by': ['me']}), (('remark',), 'ü'))
    manifest = manifests.load(sealed(row))
    assert manifest.unknown == {'signature': {'by': ['me']}, 'remark': 'ü'}
    again = json.loads(manifests.dump(manifest))
    assert again.pop('checksum') != row.pop('checksum', None)
    assert again == row
    assert manifests.load(manifests.dump(manifest)) == manifest


TEXTS = st.text(max_size=8)
NAMES = st.one_of(
    st.text(st.characters(blacklist_characters='/\0', blacklist_categories=['Cs']), min_size=1),
    st.binary(min_size=1, max_size=8).map(lambda name: name.decode('utf-8', 'surrogateescape')),
).filter(lambda name: name not in ('.', '..') and '/' not in name and '\0' not in name)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
MODES = st.integers(0, 0o777)
TIMES = st.integers(-(2**63) + 1, 2**63 - 1)
SIZES = st.integers(0, 2**63 - 1)


@st.composite
def trees(draw):
    """Items of an egg, parents first."""
    items = [Item('.', 'directory', draw(MODES), draw(TIMES))]
    directories = ['']
    for name in draw(st.lists(NAMES, unique=True, max_size=6)):
        path = draw(st.sampled_from(directories)) + name
        kind = draw(st.sampled_from(['file', 'directory', 'link']))
        if kind == 'link':
            items.append(Item(path, kind, target=draw(NAMES)))
        elif kind == 'file':
            items.append(
                Item(path, kind, draw(MODES), draw(TIMES), draw(SIZES), draw(DIGESTS))
            )
        else:
            items.append(Item(path, kind, draw(MODES), draw(TIMES)))
            directories.append(f'{path}/')
    return tuple(items)


MANIFESTS = st.builds(
    Manifest,
    project=TEXTS.filter(bool),
    version=TEXTS.filter(bool),
    egg=NAMES,
    archive=st.builds(Archive, NAMES, DIGESTS, TEXTS),
    build=st.builds(Build, st.floats(0, 1e9), TEXTS, TEXTS, TEXTS, TEXTS),
    umask=MODES,
    items=trees(),
    unknown=st.dictionaries(TEXTS.map(lambda name: f'x-{name}'), TEXTS),
)


@PROPERTY
@given(MANIFESTS)
def test_any_manifest_comes_back_as_it_was(manifest):
    assert manifests.load(manifests.dump(manifest)) == manifest


@PROPERTY
@given(MANIFESTS)
def test_any_manifest_is_as_the_schema_says(manifest):
    assert list(complaints(json.loads(manifests.dump(manifest)))) == []


@PROPERTY
@given(st.binary())
def test_any_bytes_are_damage(data):
    with pytest.raises(DamagedError) as info:
        manifests.load(data)
    assert info.value.path == 'entry.json'


# Damage


def test_every_flipped_bit_is_damage():
    data = manifests.dump(SMALL)
    accepted = []
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            try:
                manifests.load(bytes(changed))
            except DamagedError:
                continue
            accepted.append((position, bit))
    assert accepted == []


def test_every_truncation_and_addition_is_damage():
    data = manifests.dump(SMALL)
    for changed in [*(data[:end] for end in range(len(data))), data + b'\n', b' ' + data]:
        with pytest.raises(DamagedError) as info:
            manifests.load(changed)
        assert str(info.value) == (
            'entry.json: expected a text with its own checksum, found another text'
        )


# What the schema refuses too.
WRONG = {
    'another format': [(('format',), 2)],
    'a format that is text': [(('format',), '1')],
    'a format that is true': [(('format',), True)],
    'a project that is a number': [(('project',), 1)],
    'a project without a name': [(('project',), '')],
    'a version that is empty': [(('version',), '')],
    'a version that is null': [(('version',), None)],
    'an egg above': [(('egg',), '..')],
    'an egg that is the entry': [(('egg',), '.')],
    'an egg elsewhere': [(('egg',), '../../x')],
    'an absolute egg': [(('egg',), '/etc')],
    'an egg without a name': [(('egg',), '')],
    'an egg with NUL': [(('egg',), 'x\0')],
    'an egg that is a list': [(('egg',), ['x'])],
    'an archive that is text': [(('archive',), 'x')],
    'an archive that is null': [(('archive',), None)],
    'an archive with a path': [(('archive', 'name'), 'a/b.whl')],
    'an archive of no kind': [(('archive', 'kind'), 'nonsense')],
    'an archive without a kind': [(('archive', 'kind'),)],
    'an URL that is a number': [(('archive', 'url'), 1)],
    'a short sha256': [(('archive', 'sha256'), 'a1')],
    'a sha256 in capitals': [(('archive', 'sha256'), SHA256.upper())],
    'a sha256 with a line end': [(('archive', 'sha256'), f'{SHA256}\n')],
    'a sha256 that is a number': [(('archive', 'sha256'), 1)],
    'a build that is a list': [(('build',), [])],
    'seconds that are text': [(('build', 'seconds'), '12.5')],
    'seconds that are true': [(('build', 'seconds'), True)],
    'seconds that are null': [(('build', 'seconds'), None)],
    'seconds below zero': [(('build', 'seconds'), -1.5)],
    'seconds that are no number': [(('build', 'seconds'), math.nan)],
    'a date that is a number': [(('build', 'at'), 20240506)],
    'a umask that is a number': [(('umask',), 18)],
    'a umask of nine': [(('umask',), '0099')],
    'a umask below zero': [(('umask',), '-022')],
    'a umask with a prefix': [(('umask',), '0o22')],
    'a umask with blanks': [(('umask',), ' 022')],
    'a umask with sticky bit': [(('umask',), '1022')],
    'files that are text': [(('files',), 'x')],
    'files that are an object': [(('files',), {'.': {}})],
    'no files': [(('files',), [])],
    'a file that is text': [(('files', 4), 'x')],
    'a file that is null': [(('files', 4), None)],
    'a file that is a number': [(('files', 4), 1)],
    'a kind that is unknown': [(('files', 2, 'kind'), 'device')],
    'a kind that is a list': [(('files', 2, 'kind'), ['file'])],
    'a path that is null': [(('files', 2, 'path'), None)],
    'an empty path': [(('files', 4), file(''))],
    'a path above': [(('files', 4), file('..'))],
    'a path above, by way of a directory': [(('files', 4), file('demo/../../x'))],
    'a directory above': [(('files', 4), directory('..')), (('files', 5), file('../x'))],
    'a path with a dot': [(('files', 4), file('demo/.'))],
    'a path that starts with a dot': [(('files', 4), file('./x'))],
    'a path that starts with a slash': [(('files', 4), file('/x'))],
    'an absolute path': [(('files', 4), directory('/etc')), (('files', 5), file('/etc/passwd'))],
    'a path with two slashes': [(('files', 4), file('demo//x'))],
    'a path that ends with a slash': [(('files', 4), directory('demo/x/'))],
    'a path with NUL': [(('files', 4), file('x\0y'))],
    'a mode that is a number': [(('files', 2, 'mode'), 493)],
    'a mode of nine': [(('files', 2, 'mode'), '0799')],
    'a mode with setuid': [(('files', 2, 'mode'), '4755')],
    'a mode below zero': [(('files', 2, 'mode'), '-1')],
    'a huge mode': [(('files', 2, 'mode'), '7' * 40)],
    'a mode that is empty': [(('files', 2, 'mode'), '')],
    'a time that is text': [(('files', 2, 'mtime_ns'), '1')],
    'a time that is a fraction': [(('files', 2, 'mtime_ns'), 1.5)],
    'a time that is true': [(('files', 2, 'mtime_ns'), True)],
    'a time out of range': [(('files', 2, 'mtime_ns'), 2**63)],
    'a huge size': [(('files', 2, 'size'), 10**400)],
    'a size out of range': [(('files', 2, 'size'), 2**63)],
    'a size below zero': [(('files', 2, 'size'), -5)],
    'a size that is null': [(('files', 2, 'size'), None)],
    'a link that is a number': [(('files', 3, 'target'), 1)],
    'an empty link': [(('files', 3, 'target'), '')],
    'a link with NUL': [(('files', 3, 'target'), 'x\0y')],
    **{
        f'without {".".join(map(str, path))}': [(path,)]
        for path in [
            *((name,) for name in SCHEMA['required'] if name != 'checksum'),
            *(('archive', name) for name in ('name', 'url', 'sha256')),
            *(('build', name) for name in ('seconds', 'at', 'zc.buildout', 'python', 'pip')),
            *(('files', 2, name) for name in ('path', 'kind', 'mode', 'mtime_ns', 'size')),
            ('files', 2, 'sha256'), ('files', 3, 'target'), ('files', 1, 'mtime_ns'),
        ]
    },
}  # fmt: skip

# What a schema can't say.
INCONSISTENT = {
    'endless seconds': [(('build', 'seconds'), math.inf)],
    'more seconds than a float has': [(('build', 'seconds'), 10**400)],
    'an egg that no filesystem can name': [(('egg',), 'x\ud800')],
    'a path that no filesystem can name': [(('files', 4), file('x\ud800'))],
    'a file twice': [(('files', 4), file('demo/run'))],
    'a directory twice': [(('files', 4), directory('demo'))],
    'a file and a directory': [(('files', 4), directory('demo/run'))],
    'a child of a file': [(('files', 4), file('demo/run/x'))],
    'a child of a link': [(('files', 4), file('demo/link/x'))],
    'a child of nothing': [(('files', 4), file('other/x'))],
    'a child before its directory': [
        (('files', 4), file('late/x')), (('files', 5), directory('late')),
    ],
    'an egg that is a file': [(('files',), [file('.')])],
    'an egg that is a link': [(('files',), [{'path': '.', 'kind': 'link', 'target': '/etc'}])],
    'an egg that is listed twice': [(('files', 4), directory('.'))],
    'an egg that is not listed': [(('files',), [file('x')])],
}  # fmt: skip


@pytest.mark.parametrize('changes', [*WRONG.values(), *INCONSISTENT.values()],
                         ids=[*WRONG, *INCONSISTENT])  # fmt: skip
def test_a_hostile_manifest_with_a_right_checksum_is_damage(changes):
    data = sealed(small_row(*copy.deepcopy(changes)))
    with pytest.raises(DamagedError) as info:
        manifests.load(data)
    assert info.value.path == 'entry.json'
    assert info.value.expected == 'a manifest'
    assert len(info.value.found) < 200


@pytest.mark.parametrize('value', [[], [1], 'x', 1, None, True, {}, {'format': 1}])
def test_what_is_no_manifest_at_all_is_damage(value):
    body = json.dumps(value).encode()
    sealed_body = body + b',\n  "checksum": "' + hashlib.sha256(body).hexdigest().encode()
    with pytest.raises(DamagedError):
        manifests.load(sealed_body + b'"\n}\n')


@pytest.mark.parametrize('opening', ['[', '{"a":'])
def test_deep_nesting_is_damage(opening):
    text = manifests.dump(SMALL).rpartition(b',\n  "checksum"')[0]
    body = text + b',\n  "deep": ' + opening.encode() * 200_000
    data = body + b',\n  "checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'
    with pytest.raises(DamagedError):
        manifests.load(data)


def test_a_number_with_thousands_of_digits_is_damage():
    row = small_row((('files', 2, 'size'), 'SIZE'))
    row.pop('checksum')
    body = json.dumps(row, indent=2)[:-2].replace('"SIZE"', '9' * 100_000).encode()
    data = body + b',\n  "checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'
    with pytest.raises(DamagedError):
        manifests.load(data)


# The schema


def test_the_small_manifest_is_as_the_schema_says():
    assert list(complaints(small_row())) == []


@pytest.mark.parametrize('changes', WRONG.values(), ids=WRONG)
def test_the_schema_refuses_what_load_refuses(changes):
    assert list(complaints(small_row(*copy.deepcopy(changes)))) != []


def test_the_schema_describes_exactly_the_fields_that_dump_writes():
    row = small_row()
    parts = [
        (row, SCHEMA),
        (row['archive'], SCHEMA['properties']['archive']),
        (row['build'], SCHEMA['properties']['build']),
        *((item, SCHEMA['$defs'][item['kind']]) for item in row['files']),
    ]
    for value, schema in parts:
        assert set(value) == set(schema['properties']) == set(schema['required'])
        assert schema['type'] == 'object'


def test_the_schema_knows_the_same_kinds_and_format():
    kinds = [row['$ref'].rpartition('/')[2]
             for row in SCHEMA['properties']['files']['items']['oneOf']]  # fmt: skip
    assert kinds == [manifests.FILE, manifests.DIRECTORY, manifests.LINK]
    assert SCHEMA['properties']['format']['const'] == manifests.FORMAT
    assert SCHEMA['$schema'] == 'https://json-schema.org/draft/2020-12/schema'


def test_each_field_of_the_schema_has_a_description():
    def fields(schema):
        for name, part in schema.get('properties', {}).items():
            yield name, part
            yield from fields(part)

    parts = [*fields(SCHEMA), *SCHEMA['$defs'].items()]
    for name in ('file', 'directory', 'link'):
        parts.extend(fields(SCHEMA['$defs'][name]))
    for name, part in parts:
        if '$ref' in part and 'description' not in part:
            part = SCHEMA['$defs'][part['$ref'].rpartition('/')[2]]
        assert part['description'].endswith('.'), name
