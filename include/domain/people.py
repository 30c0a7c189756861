"""Who is who: where two people must agree, and by what a shopper is known."""

import hashlib
import re

from include.domain.orders import Shopper

MAIL = "mail:"  # begins a shopper's key that is the same in every shop


_WITH_LOGIN = re.compile(r"(.*\S) \(([^()]+)\)", re.DOTALL)
_OURS = "tieout"  # who asks where no person does; a login of that name is no reason to refuse


def named(who: str, login: str) -> str:
    """Write a name that somebody gave with the login they gave it under: ``ann (svc)``."""
    return who if _plain(who) == _plain(login) else f"{who} ({login})"


def name_of(text: str) -> str:
    """Return the name that ``named`` was given."""
    found = _WITH_LOGIN.fullmatch(text)
    return found[1] if found else text


def is_same_person(one: str, other: str) -> bool:
    """Say whether two names are of one person; case and blanks make nobody a second one.

    The same name in Airflow, the API and the shell is the same person, whoever uses it; and so is
    the same login under two names.
    """
    (name, login), (other_name, other_login) = _parts(one), _parts(other)
    if name == other_name or (login and login == other_login):
        return True
    return name in {other_login} - {"", _OURS} or other_name in {login} - {"", _OURS}


def _parts(text: str) -> tuple[str, str]:
    """Split what ``named`` has written; without a login the second is ''."""
    found = _WITH_LOGIN.fullmatch(text.strip())
    return (_plain(found[1]), _plain(found[2])) if found else (_plain(text), "")


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def shopper_keys(shopper: Shopper) -> tuple[str, ...]:
    """Name a shopper by the shop's id and by mail; the address itself is not kept.

    A shopper who was forgotten has neither.
    """
    by_id = (id_key(shopper.reference),) if shopper.reference else ()
    return (*by_id, mail_key(shopper.email)) if shopper.email.strip() else by_id


def id_key(reference: str) -> str:
    """Name a shopper by the shop's own id."""
    return f"id:{reference}"


def mail_key(email: str) -> str:
    """Name a shopper by a digest of the mail address."""
    return MAIL + hashlib.sha256(email.strip().casefold().encode()).hexdigest()
