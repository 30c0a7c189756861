"""Loading the settings file into Airflow: what people edited can be kept."""

from typing import Any

import pytest


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    from airflow.utils import db

    db.initdb()


def document(host: str, slots: int, value: str, **more: Any) -> dict[str, Any]:
    return {
        "connections": {"kept_conn": {"conn_type": "http", "host": host, "port": 80}},
        "pools": {"kept_pool": {"slots": slots, "description": "of this test"}},
        "variables": {"kept_variable": value},
        **more,
    }


def stored() -> tuple[str | None, int | None, str | None]:
    from airflow.models import Connection, Pool, Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return (
            session.scalar(select(Connection.host).where(Connection.conn_id == "kept_conn")),
            session.scalar(select(Pool.slots).where(Pool.pool == "kept_pool")),
            Variable.get("kept_variable"),
        )


def test_keep_adds_what_is_new_and_leaves_what_is_there() -> None:
    from tieout.settings_import import save

    save(document("first.example.test", 1, "a", keep=True))
    assert stored() == ("first.example.test", 1, "a")
    save(document("second.example.test", 2, "b", keep=True))
    assert stored() == ("first.example.test", 1, "a")
    save(document("third.example.test", 3, "c"))
    assert stored() == ("third.example.test", 3, "c")
