"""What a person reads in *Required Actions* must be what their answer is taken for.

Airflow 3.3 keeps the first text of a task instance's question: a retry or a cleared task asks
again, but the text stays. An answer would then be about figures that nobody was shown.
"""

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowSkipException

from include.domain.errors import Rejected


def require_shown(task: HITLOperator, context: Any) -> None:
    """Write the task's question, and let only that one wait for an answer.

    Raises:
        Rejected: an older text is shown for this task instance; only a new run asks anew.
    """
    from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    shown: Any = SUPERVISOR_COMMS.send(
        CreateHITLDetailPayload(
            ti_id=context["task_instance"].id,
            options=task.options,
            subject=task.subject,
            body=task.body,
            defaults=task.defaults,
            multiple=task.multiple,
            params=task.serialized_params,
            assigned_users=[],
        )
    )
    if (shown.subject, shown.body) != (task.subject, task.body):
        raise Rejected(
            "Airflow still shows the question as it was before, and what it is about has changed",
            f"required action of {task.task_id}",
            "Nothing was decided. Trigger the DAG again for the same: the new run begins when this "
            "one has ended, and asks anew.",
        )


def skip_unless_shown(task: HITLOperator, context: Any) -> None:
    """Do the same where a later run asks anew by itself: an older text skips the task."""
    try:
        require_shown(task, context)
    except Rejected as stale:
        said = f"{stale.what}. Nothing was decided; the next run asks about it."
        raise AirflowSkipException(said) from stale
