"""What changed from one release to the next."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY
from test_release import ENVIRONMENT, FILE, example

from egg.cache.common.errors import CacheError
from egg.cache.release import delta
from egg.cache.standalone import install

OTHER = {**FILE, 'sha256': '1' * 64}
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3), max_leaves=12,
)  # fmt: skip
DOCUMENTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


@PROPERTY
@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_leads_from_any_document_to_any_other(old, new):
    assert install.merged(old, delta.patch(old, new)) == new


@PROPERTY
@given(DOCUMENTS)
def test_of_the_same_document_nothing_is_to_be_patched(document):
    assert delta.patch(document, document) == {}


def test_a_patch_says_no_more_than_what_changed():
    files = {'same': FILE, 'changed': FILE, 'gone': FILE}
    old = example(files=files)
    new = example(files={'same': FILE, 'changed': OTHER, 'new': FILE}, version='1.5')
    assert delta.patch(old.document, new.document) == {
        'version': '1.5',
        'files': {'changed': {'sha256': '1' * 64}, 'gone': None, 'new': FILE},
    }
    assert delta.changed(old, new) == {'changed', 'new'}


def test_a_file_with_another_time_or_mode_is_in_the_patch_alone():
    new = example(files={'link': {'link': 'eggs'}, 'eggs/demo-1.0-py3.12.egg/demo.py': {
        **FILE, 'time': 1, 'mode': '0755'}})  # fmt: skip
    assert delta.changed(example(), new) == set()
    assert len(delta.patch(example().document, new.document)['files']) == 1


def test_an_empty_directory_is_a_change():
    assert delta.changed(example(), example(directories=('eggs/empty', 'more'))) == {'more'}


def test_the_document_leads_from_base_to_digest():
    old, new = example(), example(version='1.5')
    document = delta.document(old, new)
    assert document['base'] == {'name': 'shop', 'version': '1.4', 'digest': old.digest}
    merged = install.merged(old.document, document['patch'])
    assert install.to_bytes(merged) == install.to_bytes(new.document)
    assert document['digest'] == new.digest


@pytest.mark.parametrize(('changes', 'message'), [
    ({'name': 'blog'}, 'another application'),
    ({'environment': {**ENVIRONMENT, 'python': '3.11'}}, r'its python is 3\.12.* it is 3\.11'),
    ({}, 'Nothing changed since shop-1.4'),
])  # fmt: skip
def test_what_is_no_base_is_refused(changes, message):
    with pytest.raises(CacheError, match=message):
        delta.check(example(), dataclasses.replace(example(), **changes))


def test_another_version_of_the_c_library_is_no_other_environment():
    delta.check(example(), example(environment={**ENVIRONMENT, 'libc': 'glibc 2.41'}))
