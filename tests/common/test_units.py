"""Units: sizes, durations and ages as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.common import units
from egg.cache.common.errors import SettingError


@pytest.mark.parametrize(('count', 'expected'), [
    (0, '0 B'), (512, '512 B'), (999, '999 B'), (1000, '1.0 kB'), (1449, '1.4 kB'),
    (9949, '9.9 kB'), (9950, '10 kB'), (999_499, '999 kB'), (999_500, '1.0 MB'),
    (1_400_000, '1.4 MB'), (301_000_000, '301 MB'), (2_500_000_000, '2.5 GB'),
    (7_000_000_000_000, '7.0 TB'), (10**16, '10000 TB'),
])  # fmt: skip
def test_sizes_are_for_people(count, expected):
    assert units.size(count) == expected


@pytest.mark.parametrize(('text', 'expected'), [
    ('0', 0), ('0.0', 0), ('0 B', 0), ('500 B', 500), ('500b', 500), ('3 bytes', 3),
    ('10G', 10 * 10**9), ('10 GB', 10 * 10**9), ('1.5gb', 1_500_000_000), ('2GiB', 2 * 2**30),
    ('2Gi', 2 * 2**30), ('1k', 1000), ('1 kB', 1000), ('1K', 1000), ('1KiB', 1024),
    ('700M', 700 * 10**6), ('1T', 10**12), ('1TiB', 2**40), (' 5 M ', 5_000_000),
])  # fmt: skip
def test_sizes_are_understood(text, expected):
    assert units.parse_size(text) == expected


@pytest.mark.parametrize('text', ['', 'G', '10X', '-1', '1e3', '10 G B', '10iB', '1,5G', '1.G',
                                  '٣G'])  # fmt: skip
def test_what_is_no_size_is_refused(text):
    with pytest.raises(SettingError) as info:
        units.parse_size(text)
    assert str(info.value).startswith(f'{text!r} is not a size.\nAllowed are numbers with')


@pytest.mark.parametrize(('text', 'meant'), [
    ('10', '10G'), ('1.5', '1.5G'), ('0.4', '0.4G'), ('500', '500G'),
    ('10000000000', '10000000000B'),
])  # fmt: skip
def test_a_size_needs_a_unit(text, meant):
    for written in (text, f' {text} '):
        with pytest.raises(SettingError) as info:
            units.parse_size(written)
        assert str(info.value).startswith(f'{text!r} is no size, as it has no unit')
        assert str(info.value).endswith(f'\nDid you mean {meant}?')
        assert units.parse_size(meant) > 0


@PROPERTY
@given(st.integers(0, 10**15))
def test_a_size_that_was_written_can_be_read(count):
    assert units.parse_size(units.size(count)) == pytest.approx(count, rel=0.06)


@pytest.mark.parametrize(('seconds', 'expected'), [
    (0, '0 s'), (0.04, '0 s'), (0.05, '0.1 s'), (0.44, '0.4 s'), (9.94, '9.9 s'), (9.96, '10 s'),
    (12.4, '12 s'), (59.4, '59 s'), (59.6, '1 min'), (200, '3 min 20 s'), (3599.6, '1 h'),
    (3600, '1 h'), (3900, '1 h 5 min'), (7200, '2 h'), (100 * 3600, '100 h'),
])  # fmt: skip
def test_durations_are_for_people(seconds, expected):
    assert units.duration(seconds) == expected


@pytest.mark.parametrize(('text', 'expected'), [
    ('90', 90), ('90 s', 90), ('1.5 h', 5400), ('30 min', 1800), ('30min', 1800), ('12h', 43200),
    ('90d', 90 * 86400), ('1 day', 86400), ('2 weeks', 14 * 86400), ('2w', 14 * 86400),
    ('3 hours', 10800), ('0', 0), (' 7 days ', 7 * 86400),
])  # fmt: skip
def test_durations_are_understood(text, expected):
    assert units.parse_duration(text) == expected


@pytest.mark.parametrize(('text', 'meant'), [
    ('90', '90d'), (' 1.5 ', '1.5d'), ('7776000', '7776000s'),
])  # fmt: skip
def test_an_age_needs_a_unit(text, meant):
    with pytest.raises(SettingError) as info:
        units.parse_age(text)
    assert str(info.value).startswith(f'{text.strip()!r} is no duration, as it has no unit')
    assert str(info.value).endswith(f'\nDid you mean {meant}?')
    assert units.parse_age(meant) > 0


@pytest.mark.parametrize('text', ['90d', '12 h', '1.5h', '0', '5 s'])
def test_an_age_with_a_unit_is_a_duration(text):
    assert units.parse_age(text) == units.parse_duration(text)


@pytest.mark.parametrize('text', ['', 'd', '90x', '-1 d', '1m', '3 mins x', '1ss', '1 ds', '1hs',
                                  '٣d'])  # fmt: skip
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(SettingError) as info:
        units.parse_duration(text)
    assert str(info.value).startswith(f'{text!r} is not a duration.\nAllowed are seconds')


@PROPERTY
@given(st.floats(0, 10**9))
def test_a_duration_in_one_unit_that_was_written_can_be_read(seconds):
    text = units.duration(seconds)
    if len(text.split()) == 2:
        assert units.parse_duration(text) == pytest.approx(seconds, rel=0.1, abs=0.06)


@pytest.mark.parametrize(('seconds', 'expected'), [
    (-5, '0 s'), (0.9, '0 s'), (59.9, '59 s'), (60, '1 min'), (3599, '59 min'), (3600, '1 h'),
    (86399, '23 h'), (86400, '1 day'), (3 * 86400, '3 days'), (31 * 86400, '1 month'),
    (92 * 86400, '3 months'), (366 * 86400, '1 year'), (800 * 86400, '2 years'),
])  # fmt: skip
def test_ages_are_for_people(seconds, expected):
    assert units.age(seconds) == expected


@pytest.mark.parametrize(('seconds', 'expected'), [
    (10**15, '9999-12-31T23:59:59Z'), (253402300800, '9999-12-31T23:59:59Z'),
    (1e300, '9999-12-31T23:59:59Z'), (-(10**12), '1000-01-01T00:00:00Z'),
])  # fmt: skip
def test_a_time_of_no_year_that_people_know_is_the_nearest_one(seconds, expected):
    assert units.moment(seconds) == expected


@pytest.mark.parametrize('text', ['0.4 B', '0.0001k'])
def test_less_than_a_byte_is_no_size(text):
    with pytest.raises(SettingError, match=f"'{text}' is less than one byte"):
        units.parse_size(text)


def test_moments_are_utc():
    assert units.moment(1714979289.9) == '2024-05-06T07:08:09Z'
    assert units.since('2024-05-06T07:08:09Z', 1714979289 + 7200) == '2 h'


@pytest.mark.parametrize('text', ['', 'yesterday', '2024-05-06', '9999-99-99T00:00:00Z'])
def test_a_moment_that_is_none_has_no_age(text):
    assert units.since(text, 0) == '?'
