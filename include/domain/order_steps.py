"""How an order's facts name its steps: ``capture|2`` is the second capture."""


def name_of(step: str) -> str:
    """``capture|2`` is ``capture``."""
    return step.partition("|")[0]


def number_of(step: str) -> int:
    """``capture|2`` is 2, and so is ``refund|2.3``, its third attempt."""
    return int(step.partition("|")[2].partition(".")[0])
