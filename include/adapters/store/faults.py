"""What a database's fault is, in words that hold neither its statement nor its address."""

import sys

_SQLITE_ERROR = 1  # what SQLite says of a table or column it has not got; busy and full are others
_SQLITE_FULL, _POSTGRES_FULL = 13, "53100"


def is_lost_connection(fault: BaseException) -> bool:
    """Say whether a database was away, failed over, full or busy: no bug, and it passes."""
    if "sqlalchemy" not in sys.modules:  # DAG files import this module and must load in no time
        return False
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    if not isinstance(fault, DBAPIError):
        return False
    if getattr(fault.orig, "sqlite_errorcode", None) == _SQLITE_ERROR:
        return False
    return isinstance(fault, InterfaceError | OperationalError) or fault.connection_invalidated


def is_full(fault: BaseException) -> bool:
    """Say whether the database had no room on its disk. Nothing of the transaction was written."""
    cause = getattr(fault, "orig", None)
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return getattr(cause, "sqlite_errorcode", None) == _SQLITE_FULL or state == _POSTGRES_FULL


def store_words(fault: BaseException) -> str:
    """Say what is wrong with the store, and what to do."""
    if is_full(fault):
        return "The store's disk is full: nothing of this was written. Make room on it."
    return f"The store does not answer: {type(fault).__name__}. Look at TIEOUT_STORE_URL."
