"""The pool of Airflow that tasks which speak to SYSPRO run in: it must be there, and fit.

Airflow never starts a task of a pool that it does not have, and says so in the scheduler's log
alone. Source: Airflow 3.3.2, ``jobs.scheduler_job_runner``, "Tasks using non-existent pool".
"""

from include.domain.errors import Rejected, Retryable

POOL = "syspro"


def demand_slots(operators: int) -> str:
    """Return what was found; the pool needs a slot for each operator, and a limit.

    With fewer one company waits for another's; without a limit (-1) nothing goes before anything.
    Asks Airflow's database, which a task may not.

    Raises:
        Rejected: there is no such pool, or it has too few slots or no limit.
        Retryable: Airflow's database does not answer.
    """
    from airflow.models import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            slots = session.scalar(select(Pool.slots).where(Pool.pool == POOL))
    except SQLAlchemyError as fault:  # its words may hold the address of the database
        kind, do = type(fault).__name__, "Look at AIRFLOW__DATABASE__SQL_ALCHEMY_CONN."
        raise Retryable(f"Airflow's database does not answer: {kind}", POOL, do) from None
    if slots is None:
        raise Rejected(
            "Airflow has no such pool, so no task that speaks to SYSPRO ever starts",
            "Admin -> Pools",
            "Run python -m include.adapters.settings_file --keep, or add it with "
            f"{operators} slots: one for each SYSPRO connection of merchants.yaml.",
        )
    if slots < operators:
        raise Rejected(
            f"{slots} slots, and merchants.yaml names {operators} SYSPRO connections",
            "Admin -> Pools",
            f"Give the pool {operators} slots, one for each operator.",
        )
    return f"{slots} slots for {operators} operators"
