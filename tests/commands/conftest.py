"""Fixtures of verbs: where the cache is, and when it is looked at."""

import pytest
from support.eggs import BUILT


@pytest.fixture
def cache(tmp_path):
    """The path of a cache that isn't there yet."""
    return tmp_path / 'cache'


@pytest.fixture
def three_days_later(monkeypatch):
    """The time of what is said, that of `BUILT` being when all eggs were built."""
    monkeypatch.setattr('time.time', lambda: BUILT + 3 * 86400)
