"""Lets a test call a partner, or send a write, without the effects engine around it."""

from collections.abc import Iterator

import pytest

from include.services.effects.departure import departing


@pytest.fixture(autouse=True)
def leaves_at_once() -> Iterator[None]:
    """Let each write leave unrecorded; imported by the ``conftest`` of those who test partners."""
    with departing(lambda: None):
        yield
