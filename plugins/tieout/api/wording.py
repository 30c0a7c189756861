"""What a fault may say in a log."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from include.adapters.http.redact import redact
from include.adapters.store.faults import is_full


def words_of(fault: BaseException) -> str:
    """Say what happened; of a database's fault only its kind.

    Its text holds the statement with its parameters, and those are what was sent to us.
    """
    if is_full(fault):
        return "its disk is full"
    if isinstance(fault, DBAPIError):
        return type(fault.orig).__name__
    return "" if isinstance(fault, SQLAlchemyError) else redact(str(fault))
