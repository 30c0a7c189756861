"""A thread that sweeps what is due, every second, and never dies of an error."""

import logging
import threading
from collections.abc import Callable

from include.domain.errors import IntegrationError
from tieout.api.wording import words_of

_log = logging.getLogger("tieout.api")
_MOST_PATIENCE = 10  # times the usual pause, after faults


class SagaWorker:
    """Calls ``work`` until it is stopped.

    ``work`` returns how much it did; while it finds something it is called again at once. After
    faults it is called less often, unless it is woken. Several replicas may sweep at once: leases
    let each saga be driven by one.
    """

    def __init__(self, name: str, work: Callable[[], int], every_s: float = 1.0) -> None:
        self.name = name
        self._work, self._every_s = work, every_s
        self._is_over = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._faults = 0  # in a row

    def start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._is_over.clear()
        self._thread = threading.Thread(target=self._run, name=f"tieout-{self.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now rather than in a second."""
        self._wake.set()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Wait until the sweep under way has ended; a longer one is left to its leases."""
        self._is_over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def run_once(self) -> int:
        """Sweep once; a fault is logged by its family and forgotten: the work stays due."""
        try:
            done = self._work()
        except Exception as fault:  # noqa: BLE001 - the edge of the thread: it must live on
            self._faults += 1
            self._tell(fault)
            return 0
        self._faults = 0
        return done

    def _tell(self, fault: Exception) -> None:
        if isinstance(fault, ExceptionGroup):  # some could not be driven; each is told
            for one in fault.exceptions:
                self._tell(one)
            return
        kind, what = type(fault).__name__, words_of(fault)
        if isinstance(fault, IntegrationError):
            _log.warning("sweep_failed worker=%s family=%s what=%s", self.name, kind, what)
        else:
            _log.error("sweep_failed worker=%s bug=%s what=%s", self.name, kind, what)

    def _run(self) -> None:
        while not self._is_over.is_set():
            if self.run_once() == 0:
                self._wake.wait(self._every_s * min(2**self._faults, _MOST_PATIENCE))
            self._wake.clear()
