"""The demo's client of Airflow: what SQLite has undone is asked again, what is refused is not."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.domain.errors import Rejected, Retryable
from include.local.airflow_api import DAG_ID, AirflowApi

LOCKED = (500, {"detail": {"reason": "Database error", "statement": "hidden"}})
BUSY = (503, {"detail": "busy"})
BROKEN = (500, {"detail": "Internal Server Error"})
ANSWERED = (409, {"detail": "already responded"})
STARTED = (200, {"dag_run_id": "run 1"})
QUESTION = {
    "task_instance": {"dag_id": DAG_ID, "dag_run_id": "r", "task_id": "approve", "map_index": 0}
}


class Airflow:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object]] = []
        self.asked: list[str] = []
        answers, asked = self.answers, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                asked.append(f"{self.command} {self.path}")
                status, body = answers.pop(0)
                sent = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_PATCH = do_POST  # noqa: N815  as the library names it

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.api = AirflowApi(f"http://127.0.0.1:{self.server.server_port}", "finance", "none")


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    monkeypatch.setattr("include.local.airflow_api._PAUSE", 0.01)
    found = Airflow()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize("undone", [LOCKED, BUSY])
def test_what_a_busy_database_has_undone_is_asked_again(
    airflow: Airflow, undone: tuple[int, object]
) -> None:
    airflow.answers += [undone, undone, STARTED]
    assert airflow.api.trigger("orders") == "run 1"
    assert airflow.asked == ["POST /api/v2/dags/orders/dagRuns"] * 3


def test_a_database_that_stays_busy_is_said_so(airflow: Airflow) -> None:
    airflow.answers += [LOCKED] * 20
    with pytest.raises(Retryable, match="answered 500"):
        airflow.api.trigger("orders")


def test_another_fault_is_said_at_once(airflow: Airflow) -> None:
    airflow.answers += [BROKEN, STARTED]
    with pytest.raises(Rejected, match="answered 500"):
        airflow.api.trigger("orders")
    assert len(airflow.asked) == 1


def test_an_answer_that_was_kept_before_the_fault_is_an_answer(airflow: Airflow) -> None:
    airflow.answers += [LOCKED, ANSWERED]
    airflow.api.answer(QUESTION, "Approve")
    assert len(airflow.asked) == 2


def test_an_answer_that_is_refused_is_said(airflow: Airflow) -> None:
    airflow.answers.append((404, {"detail": "no such question"}))
    with pytest.raises(Rejected, match="answered 404"):
        airflow.api.answer(QUESTION, "Approve")
