"""Counters: what did the egg cache do for this run?"""

import math

import pytest

from egg.cache.stats.counters import Counters


def tally(copied=0, built=0, stored=0, saved=0.0):
    return Counters(copied, built, stored, saved)


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
    counts = Counters()
    counts.copy(10.0, 0.5)
    counts.copy(0.1, 0.5)
    assert (counts.copied, counts.saved) == (2, 9.5)


@pytest.mark.parametrize('seconds', [math.nan, math.inf, 1e308])
def test_no_time_ever_is_a_traceback(seconds):
    counts = Counters()
    counts.copy(seconds, 0.5)
    assert counts.summary().startswith('Egg cache: 1 of 1 egg copied')


def test_eggs_of_extensions_are_not_hidden():
    counts = Counters(copied=9, early=2)
    assert counts.summary().endswith(
        ' saved. 2 eggs of extensions were fetched before the egg cache was loaded.')
    assert Counters(early=1).summary().startswith('Egg cache: 0 of 0 eggs copied')
