"""Tally: what did the egg cache do for this run?"""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import PROPERTY

from egg.cache.tally import Tally, duration


@pytest.mark.parametrize(('seconds', 'expected'), [
    (0, '0 s'), (0.4, '0.4 s'), (1, '1.0 s'), (9.94, '9.9 s'), (9.95, '10 s'), (55.2, '55 s'),
    (59.4, '59 s'), (59.6, '1 min 0 s'), (60, '1 min 0 s'), (192, '3 min 12 s'),
    (3599.4, '59 min 59 s'), (3599.6, '1 h 0 min'), (3900, '1 h 5 min'), (90000, '25 h 0 min'),
])  # fmt: skip
def test_durations_are_written_as_people_write_them(seconds, expected):
    assert duration(seconds) == expected


@PROPERTY
@given(st.floats(0, 1e9))
def test_a_duration_is_right_to_the_minute(seconds):
    units = {'s': 1, 'min': 60, 'h': 3600}
    words = duration(seconds).split()
    told = sum(float(number) * units[unit] for number, unit in zip(words[::2], words[1::2]))
    assert abs(told - seconds) <= (0.051 if seconds < 9.95 else 60 if seconds > 3600 else 0.5)


def tally(copied=0, built=0, stored=0, saved=0.0):
    return Tally(copied, built, stored, saved)


@pytest.mark.parametrize(('counts', 'expected'), [
    (tally(), None),
    (tally(stored=1), None),
    (tally(2, 1, 1, 12.3), 'Egg cache: 2 of 3 eggs copied, 1 built and stored; 12 s saved.'),
    (tally(0, 1, 1), 'Egg cache: 0 of 1 egg copied, 1 built and stored; 0 s saved.'),
    (tally(0, 3, 0), 'Egg cache: 0 of 3 eggs copied, 3 built; 0 s saved.'),
    (tally(1, 3, 2, 4), 'Egg cache: 1 of 4 eggs copied, 3 built, 2 stored; 4.0 s saved.'),
])  # fmt: skip
def test_the_last_line_of_a_run(counts, expected):
    assert counts.summary() == expected


def test_a_run_of_copies_does_not_speak_of_storing_nothing():
    assert 'stored' not in tally(5, 0, 0, 192).summary()


def test_a_copy_saves_the_difference_but_never_less_than_nothing():
    counts = Tally()
    counts.copy(10.0, 0.5)
    counts.copy(0.1, 0.5)
    assert (counts.copied, counts.saved) == (2, 9.5)


@pytest.mark.parametrize('seconds', [math.nan, math.inf, 1e308])
def test_no_time_ever_is_a_traceback(seconds):
    counts = Tally()
    counts.copy(seconds, 0.5)
    assert counts.summary().startswith('Egg cache: 1 of 1 egg copied')
