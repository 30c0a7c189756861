"""Whose an effect is: its key begins with the order, the refund or the like, and a bar."""

from sqlalchemy import ColumnElement, and_

from include.adapters.store.schema import effects


def begins(owner: str) -> ColumnElement[bool]:
    """Say whether an effect is this owner's.

    The range finds it by the index under any collation, as LIKE does not; the beginning decides.
    """
    key = effects.c.key
    is_near = and_(key >= f"{owner}|", key < f"{owner}|zzzz")
    return and_(is_near, key.startswith(f"{owner}|", autoescape=True))
