"""``python -m include.local demo|start|stop|status|environment|secrets``: see ``make help``.

``start`` with ``--airflow-database``, ``--store-url`` and ``--broker-url`` is the stack of
docker-compose.yaml without Docker: PostgreSQL, Redis and a Celery worker.
"""

import argparse
import base64
import os
import secrets
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from include.domain.errors import IntegrationError, Rejected
from include.local.environment import LocalStack
from include.local.processes import Processes


def main() -> int:
    """Run one command; a fault of the families is a sentence on the screen, not a traceback."""
    parser = _parser()
    given = parser.parse_args()
    if given.command == "demo" and (given.store_url or given.airflow_database):
        parser.error("the demo begins with empty databases of its own; use 'start' with a server's")
    if given.sandbox and given.command != "secrets":
        parser.error("--sandbox belongs to 'secrets'")
    stack = LocalStack(
        port=given.port,
        sandbox_port=given.sandbox_port,
        airflow_database=given.airflow_database,
        store_url=given.store_url,
        broker_url=given.broker_url,
        executor="CeleryExecutor" if given.broker_url else "LocalExecutor",
    )
    if given.home:
        stack = replace(stack, home=given.home.absolute())
    if given.sandbox:
        _say_sandbox(stack)
    try:
        return _COMMANDS[given.command](stack)
    except IntegrationError as error:
        print(f"\n{error}", file=sys.stderr)  # noqa: T201 - the command's own answer
        return 1
    except KeyboardInterrupt:
        print("\nStopped by you; 'make stop' ends what still runs.", file=sys.stderr)  # noqa: T201
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.local", description=__doc__)
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("--port", type=int, default=8080, help="Airflow's UI and API")
    parser.add_argument("--sandbox-port", type=int, default=18080, help="and the four after it")
    parser.add_argument("--sandbox", action="store_true", help="secrets: for a trial against it")
    parser.add_argument("--home", type=Path, help="folder for all files; default .tieout")
    parser.add_argument("--airflow-database", default="", help="SQLAlchemy URL; default SQLite")
    parser.add_argument("--store-url", default="", help="SQLAlchemy URL; default SQLite")
    parser.add_argument("--broker-url", default="", help="e.g. redis://127.0.0.1:6379/0: Celery")
    return parser


def _demo(stack: LocalStack) -> int:
    from include.local.demo import run_demo

    return run_demo(stack)


def _start(stack: LocalStack) -> int:
    from include.local.stack import start_stack

    start_stack(stack, say=print)
    print(f"Airflow is up: {stack.base_url}")  # noqa: T201
    return 0


def _stop(stack: LocalStack) -> int:
    ended = Processes(stack.home, {}).stop()
    print(f"Ended {ended} processes." if ended else "Nothing was running.")  # noqa: T201
    return 0


def _status(stack: LocalStack) -> int:
    processes = Processes(stack.home, {})
    running, headless = processes.running(), processes.headless()
    for name, session in running.items():
        dead = "  DEAD, its children live: run 'make stop', then start again"
        print(f"{name:15} session {session}{dead if name in headless else ''}")  # noqa: T201
    if not running:
        print("Nothing is running.")  # noqa: T201
    return 1 if headless else 0


def _environment(stack: LocalStack) -> int:
    """Print what a shell must export so that its commands are the stack's."""
    if not (stack.home / "keys.json").exists():
        do = "Run 'make demo', or name its folder with --home."
        raise Rejected("no stack was ever started here", str(stack.home), do)
    for name, value in sorted(stack.environment().items()):
        if os.environ.get(name) != value:
            print(f"export {name}={shlex.quote(value)}")  # noqa: T201
    print(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")  # noqa: T201
    return 0


def _secrets(_stack: LocalStack) -> int:
    """Print an .env for docker-compose.yaml with fresh secrets."""
    fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    print(f"AIRFLOW_FERNET_KEY={fernet}")  # noqa: T201
    print(f"AIRFLOW_JWT_SECRET={secrets.token_hex(48)}")  # noqa: T201
    print(f"AIRFLOW_API_SECRET_KEY={secrets.token_hex(32)}")  # noqa: T201
    print(f"POSTGRES_PASSWORD={secrets.token_hex(24)}")  # noqa: T201
    print(f"RUNTIME_PASSWORD={secrets.token_hex(24)}")  # noqa: T201
    return 0


def _say_sandbox(stack: LocalStack) -> None:
    """Print what an .env needs beside secrets, so that the sandbox of docker-compose.yaml is used.

    It has a name of that network and no TLS, and trades on a day of its own.
    """
    print("TIEOUT_MODE=sandbox")  # noqa: T201
    print("TIEOUT_ALLOW_PLAIN_HTTP=true")  # noqa: T201
    print("TIEOUT_ALLOW_LOCAL=true")  # noqa: T201
    print(f"TIEOUT_BUSINESS_DATE={stack.business_date}")  # noqa: T201


_COMMANDS = {
    "demo": _demo,
    "start": _start,
    "stop": _stop,
    "status": _status,
    "environment": _environment,
    "secrets": _secrets,
}

if __name__ == "__main__":
    sys.exit(main())
