"""Who is who: where two people must agree, and by what a shopper is known."""

import hashlib

from include.domain.orders import Shopper

MAIL = "mail:"  # begins a shopper's key that is the same in every shop


def is_same_person(one: str, other: str) -> bool:
    """Say whether two names are of one person; case and blanks make nobody a second one.

    The same name in Airflow, the API and the shell is the same person, whoever uses it.
    """
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def shopper_keys(shopper: Shopper) -> tuple[str, ...]:
    """Name a shopper by the shop's id and by mail; the address itself is not kept."""
    by_mail = mail_key(shopper.email)
    return (id_key(shopper.reference), by_mail) if shopper.reference else (by_mail,)


def id_key(reference: str) -> str:
    """Name a shopper by the shop's own id."""
    return f"id:{reference}"


def mail_key(email: str) -> str:
    """Name a shopper by a digest of the mail address."""
    return MAIL + hashlib.sha256(email.strip().casefold().encode()).hexdigest()
