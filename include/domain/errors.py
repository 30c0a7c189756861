"""Three families of fault, named by what a caller may do next; the root is never raised.

A message has a value, a place and a next step. Card numbers, secrets and whole payloads never
appear in it. Source: style guide, section 3.
"""


class IntegrationError(Exception):
    """Root of the families; positional arguments keep it picklable across workers."""

    def __init__(self, what: str, where: str, do: str) -> None:
        super().__init__(what, where, do)

    @property
    def what(self) -> str:
        return str(self.args[0])

    @property
    def where(self) -> str:
        return str(self.args[1])

    @property
    def do(self) -> str:
        """The next step, as an instruction to the person on call."""
        return str(self.args[2])

    def __str__(self) -> str:
        return "{} (at {}). {}".format(*self.args)


class Retryable(IntegrationError):
    """Nothing happened; the same call may work later."""


class Unconfigured(Retryable):
    """Nothing happened; what is ours to set up is missing, e.g. a connection, or hidden just now.

    No partner is down, so no alert of one tells anybody: it is for a person if it lasts.
    """


class Busy(Retryable):
    """The other side asks to come back later. ``retry_after_s`` is ``None`` if it names no time."""

    def __init__(self, what: str, where: str, do: str, retry_after_s: float | None = None) -> None:
        super().__init__(what, where, do)
        self.retry_after_s = retry_after_s  # travels in __dict__, so a pickled copy keeps it


class LeftAlone(Retryable):
    """Nothing was asked: the partner did not answer others a moment ago, and is asked again soon.

    It is no try of what wanted to ask, so no step of its own schedule is used up.
    """


class Illegible(Retryable):
    """The other side has answered, and what it shows of one item cannot be read.

    It is there, and what is there is not known; a person has to look. Others are not concerned.
    """


class Rejected(IntegrationError):
    """Nothing happened; it fails again until someone acts."""


class Parked(Rejected):
    """Nothing happened; it may be sent once the condition named in ``what`` holds.

    The closed posting period is the usual case. The engine keeps the effect and asks again.
    """


class NotKept(Rejected):
    """Nothing was asked: the sender keeps nothing that old. What arrived before still counts."""


class OutcomeUnknown(IntegrationError):
    """It may have happened. Ask the other side before trying again."""
