"""Write connections, pools and variables into Airflow's database, all or none.

Reads one JSON document from standard input; ``include/adapters/settings_file.py`` writes it. The
command line of Airflow would do the same in three slow starts.
"""

import json
import sys
from typing import Any

from airflow.models import Connection, Pool, Variable
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session


def save(document: dict[str, Any]) -> None:
    """Add what is new, overwrite what has the same name, touch nothing else.

    With ``keep`` what has the same name stays: a person may have edited it since.
    """
    with create_session() as session:
        if document.get("keep"):
            document = _unknown(session, document)
        for conn_id, fields in document["connections"].items():
            connection = Connection(conn_id=conn_id, **fields)
            known = session.scalar(select(Connection.id).where(Connection.conn_id == conn_id))
            if known is not None:
                connection.id = known
            session.merge(connection)
        for name, fields in document["pools"].items():
            pool = session.scalar(select(Pool).where(Pool.pool == name))
            if pool is None:
                pool = Pool(pool=name, include_deferred=False)
                session.add(pool)
            pool.slots, pool.description = fields["slots"], fields["description"]
        for name, value in document["variables"].items():
            Variable.set(name, value, session=session)


def _unknown(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the document that Airflow's database has no entry for."""
    columns = {"connections": Connection.conn_id, "pools": Pool.pool, "variables": Variable.key}
    known = {section: set(session.scalars(select(name))) for section, name in columns.items()}
    return {
        section: {name: item for name, item in document[section].items() if name not in names}
        for section, names in known.items()
    }


if __name__ == "__main__":
    save(json.load(sys.stdin))
