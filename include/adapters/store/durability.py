"""Whether a commit outlives the machine: what the database says of itself."""

from sqlalchemy import Engine, text

from include.domain.errors import Rejected

_ASKED = ("transaction_isolation", "synchronous_commit", "fsync", "full_page_writes")
_OURS = {"transaction_isolation": "read committed"}
_ON = ("fsync", "full_page_writes")


def demand_durable(engine: Engine) -> str:
    """Say how the store keeps what is committed, as our own connections see it.

    Raises:
        Rejected: a crash of the machine may lose or tear commits, and with them the record of a
            send that left; or somebody between us and the database undoes what we set.
    """
    if engine.dialect.name == "sqlite":
        return "SQLite, synchronous=FULL"
    with engine.begin() as connection:
        found = {
            name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in _ASKED
        }
    wrong = [f"{name} is {found[name]}" for name in _ON if found[name] != "on"]
    wrong += [f"{name} is {found[name]}" for name, ours in _OURS.items() if found[name] != ours]
    if found["synchronous_commit"] == "off":
        wrong.append("synchronous_commit is off")
    if wrong:
        raise Rejected(
            f"a commit may not outlive the machine, or not be seen: {', '.join(wrong)}",
            "the store's PostgreSQL",
            "Set fsync and full_page_writes on; a pooler in between must keep a session's settings "
            "(pool_mode=session).",
        )
    return f"PostgreSQL, read committed, synchronous_commit {found['synchronous_commit']}"
