"""The answer to a request is its final one: interim ones (1xx) come before it, and say nothing.

Python skips 100 alone; a 102 or 103 it would return as the answer, with an empty body. Source: RFC
9110, 15.2: a client parses one or more of them before the final answer, even if it expects none.
"""

import http.client
from http import HTTPStatus


class SwitchedProtocolsError(http.client.HTTPException):
    """The server went over to another protocol, which nobody has asked for."""


class FinalResponse(http.client.HTTPResponse):
    """Reads past interim answers; however many there are, the exchange has its one deadline."""

    def begin(self) -> None:
        """Read status and headers of the final answer.

        Raises:
            SwitchedProtocolsError: there will be none.
        """
        super().begin()
        while 100 <= self.status <= 199:
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise SwitchedProtocolsError
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first one
            super().begin()
