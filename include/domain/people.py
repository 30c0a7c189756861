"""Who is who, where two people must agree."""


def is_same_person(one: str, other: str) -> bool:
    """Say whether two names are of one person; case and blanks make nobody a second one.

    The same name in Airflow, the API and the shell is the same person, whoever uses it.
    """
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
