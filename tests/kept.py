"""What Airflow keeps of a task instance from try to try, as its context gives it."""

from typing import Any


class Kept(dict[str, Any]):
    """``context["task_state_store"]`` without an API server behind it."""

    set = dict.__setitem__
    delete = dict.__delitem__
