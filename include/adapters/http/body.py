"""Read a body in pieces: counted, decompressed under a ceiling, digested on the way."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Protocol

from include.adapters.http.wire import MIB, Limits

PIECE = 64 * 1024


class _Readable(Protocol):
    def read(self, amt: int, *, decode_content: bool) -> bytes: ...


class TooLargeError(Exception):
    """A ceiling was reached; the rest was not read and not expanded."""


class BrokenBodyError(Exception):
    """The body ended early or is not what its headers say."""


class Body:
    """Iterate the decoded pieces of one body, never more than ``PIECE`` bytes at a time."""

    def __init__(self, raw: _Readable, encoding: str, ceiling: int, limits: Limits) -> None:
        self._raw, self._limits, self._ceiling = raw, limits, ceiling
        self._digest = hashlib.sha256()
        self.wire_bytes = 0  # as received
        self.size_bytes = 0  # decoded
        if encoding in ("", "identity"):
            self._is_gzip = False
        elif encoding in ("gzip", "x-gzip"):
            self._is_gzip = True
        else:
            raise BrokenBodyError(f"it is encoded as {encoding[:40]!r}, which was not asked for")

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """Yield decoded bytes.

        Raises:
            TooLargeError: a ceiling of ``Limits`` was reached.
            BrokenBodyError: compressed data that is damaged or ends early.
            OSError, urllib3.exceptions.HTTPError: the wire failed or ended early.
        """
        for piece in self._gunzip(self._wire()) if self._is_gzip else self._wire():
            self.size_bytes += len(piece)
            if self.size_bytes > self._ceiling:
                raise TooLargeError(f"it is larger than {self._ceiling} bytes")
            self._digest.update(piece)
            yield piece

    def _wire(self) -> Iterator[bytes]:
        while piece := self._raw.read(PIECE, decode_content=False):
            self.wire_bytes += len(piece)
            if self.wire_bytes > self._limits.max_wire_bytes:
                raise TooLargeError(f"it sends more than {self._limits.max_wire_bytes} bytes")
            yield piece

    def _gunzip(self, wire: Iterator[bytes]) -> Iterator[bytes]:
        """Expand one or more gzip members, a piece at a time, so that a bomb stays small."""
        member, expanded = zlib.decompressobj(wbits=31), 0
        for piece in wire:
            rest = piece
            while rest:
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                try:
                    plain = member.decompress(rest, PIECE)
                except zlib.error:
                    raise BrokenBodyError("its compressed data is damaged") from None
                rest = member.unused_data if member.eof else member.unconsumed_tail
                expanded += len(plain)
                if expanded > MIB and expanded > self.wire_bytes * self._limits.max_ratio:
                    raise TooLargeError(
                        f"it expands more than {self._limits.max_ratio}-fold, as a bomb does"
                    )
                yield plain
        if not member.eof:
            raise BrokenBodyError("its compressed data ends early")
