"""``python -m include.local demo|start|stop|status|secrets``: see ``make help``."""

import argparse
import base64
import secrets
import sys

from include.domain.errors import IntegrationError
from include.local.environment import LocalStack
from include.local.processes import Processes


def main() -> int:
    """Run one command; a fault of the families is a sentence on the screen, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m include.local", description=__doc__)
    parser.add_argument("command", choices=["demo", "start", "stop", "status", "secrets"])
    parser.add_argument("--port", type=int, default=8080, help="Airflow's UI and API")
    parser.add_argument("--sandbox-port", type=int, default=18080, help="and the three after it")
    given = parser.parse_args()
    stack = LocalStack(port=given.port, sandbox_port=given.sandbox_port)
    try:
        return _COMMANDS[given.command](stack)
    except IntegrationError as error:
        print(f"\n{error}", file=sys.stderr)  # noqa: T201 - the command's own answer
        return 1
    except KeyboardInterrupt:
        print("\nStopped by you; 'make stop' ends what still runs.", file=sys.stderr)  # noqa: T201
        return 130


def _demo(stack: LocalStack) -> int:
    from include.local.demo import run_demo

    return run_demo(stack)


def _start(stack: LocalStack) -> int:
    from include.local.stack import start_stack

    start_stack(stack)
    return 0


def _stop(stack: LocalStack) -> int:
    ended = Processes(stack.home, {}).stop()
    print(f"Ended {ended} processes." if ended else "Nothing was running.")  # noqa: T201
    return 0


def _status(stack: LocalStack) -> int:
    running = Processes(stack.home, {}).running()
    for name, session in running.items():
        print(f"{name:15} session {session}")  # noqa: T201
    if not running:
        print("Nothing is running.")  # noqa: T201
    return 0


def _secrets(_stack: LocalStack) -> int:
    """Print an .env for docker-compose.yaml with fresh secrets."""
    fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    print(f"AIRFLOW_FERNET_KEY={fernet}")  # noqa: T201
    print(f"AIRFLOW_JWT_SECRET={secrets.token_hex(48)}")  # noqa: T201
    print(f"AIRFLOW_API_SECRET_KEY={secrets.token_hex(32)}")  # noqa: T201
    print(f"POSTGRES_PASSWORD={secrets.token_hex(24)}")  # noqa: T201
    return 0


_COMMANDS = {
    "demo": _demo,
    "start": _start,
    "stop": _stop,
    "status": _status,
    "secrets": _secrets,
}

if __name__ == "__main__":
    sys.exit(main())
