"""A play per module: its sandbox, its store, the connections that the demo has."""

from tests.integration.play import play as play
