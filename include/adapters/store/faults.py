"""What a database's fault is, in words that hold neither its statement nor its address."""

_SQLITE_FULL, _POSTGRES_FULL = 13, "53100"


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
