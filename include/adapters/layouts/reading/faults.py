"""Whole-file faults: the file is set aside with its bytes, whatever its records look like."""

from include.services.files import Fault, FileFacts

_REFETCH = "Fetch the report again; if it comes the same, ask the sender for a whole file."
ASK = "Ask the sender for a corrected file."


class FileFaultError(Exception):
    """Ends the reading of a file; caught where the file is parsed, never above.

    ``facts`` is what the file had said of itself by then.
    """

    def __init__(self, reason_code: str, what: str, do: str) -> None:
        super().__init__(reason_code, what, do)
        self.fault = Fault(reason_code, f"{what} {do}")
        self.facts = FileFacts()


def truncated(where: str) -> FileFaultError:
    return FileFaultError("truncated_file", f"The file ends in the middle: {where}.", _REFETCH)


def malformed(what: str) -> FileFaultError:
    return FileFaultError("malformed_file", f"{what}.", ASK)


def of(reason_code: str, what: str, do: str = ASK) -> FileFaultError:
    """Make a fault of a named reason; ``what`` is a sentence without its full stop."""
    return FileFaultError(reason_code, f"{what}.", do)


MAX_BYTES = 4 * 1024**3
MAX_RECORDS = 20_000_000
MAX_FIELD_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024**2
MAX_TREE_BYTES = 256 * 1024**2  # of formats that are read whole
