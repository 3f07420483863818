"""Fixtures of proofs: what several of them offer or compare."""

import pytest
from support import archives, plain


@pytest.fixture
def pair(buildout_factory):
    """Runs plain buildouts and cached ones, and compares them."""
    return plain.Pair(buildout_factory)


@pytest.fixture
def demo_and_zipped(index, archives_dir):
    """The pins of two distributions in the index: a wheel, and a zipped egg that it requires."""
    index.add(archives.make_wheel(archives_dir, 'demo', '1.0', requires=['zipped']))
    index.add(archives.make_egg(archives_dir, 'zipped', '1.0'))
    return {'demo': '1.0', 'zipped': '1.0'}
