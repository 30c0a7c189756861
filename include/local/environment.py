"""The environment of every local process, in one place.

Source of the settings and of the reasons: Airflow 3.3 documentation, tried on 3.3.2.
"""

import base64
import contextlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from include.domain.errors import Rejected

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "tieout-demo"  # noqa: S105 - the demo's, printed on the screen
USERS = {"admin": "admin", "finance": "user", "analyst": "user", "auditor": "viewer", "ops": "op"}
_DO = "Remove it if nothing in it is needed, or name another with --home; it is made."


@dataclass(frozen=True, slots=True)
class LocalStack:
    """Where one local stack keeps its files and listens. Nothing is written outside ``home``."""

    home: Path = ROOT / ".tieout"
    port: int = 8080  # Airflow's API server and UI
    sandbox_port: int = 18080  # and the four after it
    airflow_database: str = ""  # default: SQLite under home
    store_url: str = ""  # default: SQLite under home
    executor: str = "LocalExecutor"
    broker_url: str = ""
    schedule: str = "manual"  # or "daily"
    business_date: str = "2026-11-03"  # of what is traded now; the sandbox's clock stands on it
    more: tuple[tuple[str, str], ...] = ()  # further variables, names and values

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def api_url(self) -> str:
        """Return the product's own API, where Airflow's server has it."""
        return f"{self.base_url}/tieout-api/v1"

    @property
    def sandbox_url(self) -> str:
        """Return the sandbox's control server."""
        return f"http://127.0.0.1:{self.sandbox_port + 3}"

    def demand_ours(self) -> None:
        """Refuse a folder that is more than a stack's: it would be closed, or cleared for a demo.

        Raises:
            Rejected: something else lies in it, or it cannot be read.
        """
        try:
            if not self.home.exists() or (self.home / "keys.json").exists():
                return
            own = ("logs", "run")  # 'make stop' used to make them, empty, where nothing had begun
            if all(path.name in own and not any(path.iterdir()) for path in self.home.iterdir()):
                return
            what = "something lies in it that is no local stack's"
        except OSError as fault:
            what = f"it cannot be read: {fault.strerror}"
        raise Rejected(what, str(self.home), _DO)

    def clear(self) -> None:
        """Remove what lies in it; what marks it as ours goes last, and only if all the rest did."""
        keys = self.home / "keys.json"
        for path in set(self.home.glob("*")) - {keys}:
            with contextlib.suppress(OSError):
                path.unlink()
            shutil.rmtree(path, ignore_errors=True)
        if list(self.home.glob("*")) == [keys]:
            keys.unlink()

    def prepare(self) -> None:
        """Create the folder and, once, the secrets; they stay for as long as the folder does.

        Raises:
            Rejected: the folder is not ours.
        """
        self.demand_ours()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self.home.chmod(0o700)  # the store, the lake and the logs lie in it
        except OSError as fault:
            what = f"it cannot be made ours alone: {fault.strerror}"
            raise Rejected(what, str(self.home), _DO) from None
        keys = self.home / "keys.json"
        if not keys.exists():
            fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
            made = {"fernet": fernet, "jwt": secrets.token_hex(48), "api": secrets.token_hex(32)}
            keys.touch(mode=0o600)
            keys.write_text(json.dumps(made))
        (self.home / "logs").mkdir(exist_ok=True)
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
        preload = self.home / "config" / "airflow_local_settings.py"
        preload.parent.mkdir(exist_ok=True)
        preload.write_text("import include.local.airflow_local_settings\n")

    def environment(self) -> dict[str, str]:
        """Return the variables that every component, worker and command line needs alike."""
        keys = json.loads((self.home / "keys.json").read_text())
        airflow_database = self.airflow_database or f"sqlite:///{self.home / 'airflow.db'}"
        found = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": self.executor,
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",  # a report is late by seconds here
            "AIRFLOW__CORE__PARALLELISM": "4",  # more processes starve two cores and lock SQLite
            "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": "company_password,p12_password,key_id",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.base_url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{user}:{role}" for user, role in USERS.items()
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_database,
            "AIRFLOW__API__BASE_URL": self.base_url,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": keys["api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs" / "tasks"),
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "120",
            # The scheduler's own pause costs each chained task a second at its default of 1.0;
            # below 0.3 a task that is answered at once can be lost.
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",
            "GX_ANALYTICS_ENABLED": "false",
            "POLARS_SKIP_CPU_CHECK": "1",
            "TIEOUT_STORE_URL": self.store_url or f"sqlite:///{self.home / 'tieout.db'}",
            "TIEOUT_SCHEDULE": self.schedule,
            "TIEOUT_MODE": "sandbox",
            # Callbacks go to the sandbox on this machine, without TLS.
            "TIEOUT_ALLOW_LOCAL": "true",
            "TIEOUT_ALLOW_PLAIN_HTTP": "true",
            "TIEOUT_BUSINESS_DATE": self.business_date,
            # The sandbox is never slow: an answer that is missing after a minute was lost.
            "CYBERSOURCE_QUIESCENCE_S": "60",
            "CYBERSOURCE_LOOK_GAP_S": "3",
            "TIEOUT_NOTIFY": "chat",
            "TIEOUT_LAKE": str(self.home / "lake"),
            "TIEOUT_SANDBOX_PORT": str(self.sandbox_port),
            "TIEOUT_SYSPRO_PORT": str(self.sandbox_port + 1),
            "TIEOUT_BANK_PORT": str(self.sandbox_port + 2),
            "TIEOUT_SHOP_PORT": str(self.sandbox_port + 4),
            "SHOP_WEBHOOK_URL_ACME_US": f"{self.api_url}/webhooks/woocommerce/acme_us_web",
        }
        if self.broker_url:
            found["AIRFLOW__CELERY__BROKER_URL"] = self.broker_url
            found["AIRFLOW__CELERY__RESULT_BACKEND"] = "db+" + airflow_database
            found["AIRFLOW__CELERY__WORKER_CONCURRENCY"] = "2"
        return {**found, **dict(self.more)}
