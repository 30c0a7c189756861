"""Connections as Airflow keeps them: in its database, its environment or a secrets backend.

Source: the installed SDK 3.3.2, ``execution_time.supervisor.ensure_secrets_backend_loaded``. A
process that Airflow did not start reads ``AIRFLOW_CONN_*`` and a configured secrets backend alone;
one that calls itself a server asks Airflow's database too, as ``airflow connections get`` does.
"""

import os
from typing import TYPE_CHECKING

from include.domain.errors import Unconfigured

if TYPE_CHECKING:
    from airflow.sdk import Connection


def read_airflow_database() -> None:
    """Have this process find connections that are kept in Airflow's database.

    For what is started by hand or alone, before its first connection. Within a task it changes
    nothing: there the SDK asks its supervisor first.
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def connection_of(conn_id: str) -> "Connection":
    """Return a connection.

    Raises:
        Unconfigured: nothing knows it. Airflow says the same when its database does not answer.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise Unconfigured(
            f"Airflow finds no connection {conn_id!r}",
            "Airflow's database, AIRFLOW_CONN_* and the secrets backend",
            "Add it in Airflow, or look whether Airflow's database answers; then try again.",
        ) from None
