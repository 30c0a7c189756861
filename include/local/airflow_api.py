"""A small client of Airflow's REST API, for the demo and the tests that drive a real scheduler."""

import time
from datetime import date
from typing import Any

import requests

from include.domain.errors import Rejected, Retryable

DAG_ID = "settlement_reconciliation"
_TRIES, _PAUSE = 20, 0.7  # seconds; while SQLite is busy
_RESTS_S = 3.0  # how long a question has been there before somebody answers


class AirflowApi:
    """One logged-in user of a local Airflow."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self.base_url = base_url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._parked: dict[str, float] = {}  # question -> since when its task waits for a person

    def log_in(self) -> None:
        answer = self._session.post(f"{self.base_url}/auth/token", json=self._login, timeout=30)
        if answer.status_code != 201:
            raise Rejected(
                f"Airflow refused the login of {self._login['username']!r}",
                self.base_url,
                "Check the passwords file of the stack.",
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @property
    def authorization(self) -> str:
        """The header of a logged-in client, for pages beside the API."""
        return str(self._session.headers["Authorization"])

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Call ``/api/v2<path>`` and return the JSON; an answer other than 2xx is ``Rejected``.

        On SQLite Airflow answers 503, or 500 and "Database error", when somebody wrote at the same
        instant; it has undone its part then, and asking again is what it wants.

        Raises:
            Retryable: it was busy however often it was asked.
        """
        for _ in range(_TRIES):
            answer = self._session.request(
                method, f"{self.base_url}/api/v2{path}", timeout=60, **more
            )
            if not _is_busy(answer):
                break
            time.sleep(_PAUSE)
        said = f"Airflow answered {answer.status_code}: {answer.text[:300]}"
        if _is_busy(answer):
            raise Retryable(said, f"{method} {path}", "Run it again on a quieter machine.")
        if answer.status_code >= 300:
            raise Rejected(said, f"{method} {path}", "Read logs/api-server.log.")
        return answer.json() if answer.content else None

    def backfill(self, dag_id: str, first: date, last: date) -> None:
        """Ask for runs of first..last, in order, one at a time, finished ones again."""
        asked = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "max_active_runs": 1,
            "run_backwards": False,
            "reprocess_behavior": "completed",
            "dag_run_conf": {},
        }
        self.call("POST", "/backfills", json=asked)

    def trigger(self, dag_id: str, **conf: Any) -> str:
        """Start a run and return its id."""
        asked = {"logical_date": None, "conf": conf}
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", json=asked)["dag_run_id"])

    def wait(self, dag_id: str, run_id: str, seconds: float) -> str:
        """Wait for a run's end and return its state."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            state = str(self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])
            if state in ("success", "failed"):
                return state
            time.sleep(0.5)
        raise Retryable(
            f"{dag_id} did not end in {seconds:.0f} s", run_id, "The UI shows which task waits."
        )

    def wait_healthy(self, seconds: float) -> None:
        """Wait until database, scheduler and DAG processor say healthy, then warm up.

        The execution API is built lazily, by the first task or by this one call.
        """
        until = time.monotonic() + seconds
        missing = ["everything"]
        while time.monotonic() < until:
            try:
                health = self._session.get(f"{self.base_url}/api/v2/monitor/health", timeout=5)
                states = health.json()
                missing = [
                    name
                    for name in ("metadatabase", "scheduler", "dag_processor")
                    if states[name]["status"] != "healthy"
                ]
                if not missing:
                    self._session.get(f"{self.base_url}/execution/health", timeout=60)
                    return
            except (requests.RequestException, ValueError, KeyError):
                missing = ["api-server"]
            time.sleep(0.5)
        raise Retryable(
            f"Airflow is not healthy after {seconds:.0f} s: {', '.join(missing)}",
            self.base_url,
            "Read the logs folder of the stack; on a busy machine run it again.",
        )

    def wait_for_dag(self, dag_id: str, seconds: float) -> None:
        """Wait until the DAG has been parsed; an import error is raised at once."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            errors = self.call("GET", "/importErrors")["import_errors"]
            if errors:
                raise Rejected(
                    errors[0]["stack_trace"][-800:], errors[0]["filename"], "Mend the DAG file."
                )
            listed = self.call("GET", "/dags", params={"limit": 100})["dags"]
            if any(dag["dag_id"] == dag_id for dag in listed):
                return
            time.sleep(0.5)
        raise Retryable(f"{dag_id} was not parsed in {seconds:.0f} s", self.base_url, "Try again.")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(
            "GET", f"/dags/{dag_id}/dagRuns", params={"limit": 100, "order_by": "run_after"}
        )["dag_runs"]
        return found

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return every task instance of a run, one dictionary each."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", path, params={"limit": 100, "offset": len(found)})
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def questions(self) -> list[dict[str, Any]]:
        """Return the required actions that wait for an answer, and have for some seconds.

        Answered before the scheduler has seen that its task's process has ended, a task counts as
        failed (Airflow 3.3.2); it is then tried again, and asks anew. People read for longer.
        """
        found = self.call(
            "GET", "/dags/~/dagRuns/~/hitlDetails", params={"response_received": "false"}
        )["hitl_details"]
        now = time.monotonic()
        parked = {one["task_instance"]["id"]: one for one in found if _is_parked(one)}
        self._parked = {key: self._parked.get(key, now) for key in parked}
        return [one for key, one in parked.items() if now - self._parked[key] > _RESTS_S]

    def answer(self, question: dict[str, Any], option: str, **params: str) -> None:
        """Answer one required action as this user; one that is answered already stays so."""
        task = question["task_instance"]
        try:
            self.call(
                "PATCH",
                f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/"
                f"{task['task_id']}/{task['map_index']}/hitlDetails",
                json={"chosen_options": [option], "params_input": params},
            )
        except Rejected as refusal:
            if "answered 409" not in refusal.what:
                raise


def _is_parked(question: dict[str, Any]) -> bool:
    return bool(question["task_instance"]["state"] == "awaiting_input")


def _is_busy(answer: requests.Response) -> bool:
    is_fault = answer.status_code == 500 and "Database error" in answer.text
    return is_fault or answer.status_code == 503
