"""Puts apps on ports: five services of one process, one ledger and one fault switchboard."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from include.sandbox.control import ControlApp, NoFaults
from include.sandbox.faults import Faults
from include.sandbox.ledger import Ledger
from include.sandbox.ports import World
from include.sandbox.server import App, PortBusy, Service


class Sandbox:
    """Running partner systems. ``stop()`` ends them; it may be called twice."""

    def __init__(
        self,
        world: World,
        apps: Sequence[App],
        ledger: Ledger,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Bind every port, then start every server; nothing runs where one port is taken."""
        self.world, self.apps, self.ledger, self.faults = world, apps, ledger, Faults()
        self.services: dict[str, Service] = {}
        try:
            # The shops came later and stand behind the control server, whose port stays.
            first = [app for app in apps if app.system != "shop"]
            shops = [app for app in apps if app.system == "shop"]
            for offset, app in enumerate([*first, ControlApp(self), *shops]):
                faults = NoFaults() if app.system == "control" else self.faults
                chosen = port + offset if port else 0
                self.services[app.system] = Service(app, faults, host=host, port=chosen)
        except PortBusy:
            self.stop()
            raise
        for service in self.services.values():
            service.start()

    @property
    def cybersource_url(self) -> str:
        return self.services["cybersource"].url

    @property
    def syspro_url(self) -> str:
        return self.services["syspro"].url

    @property
    def bank_url(self) -> str:
        return self.services["bank"].url

    @property
    def shop_url(self) -> str:
        return self.services["shop"].url

    @property
    def control_url(self) -> str:
        return self.services["control"].url

    def urls(self) -> Mapping[str, str]:
        return {name: service.url for name, service in self.services.items()}

    def reset(self) -> None:
        """Return to the seeded state: books, sessions, report states, faults and ledger."""
        self.faults.clear()
        self.world.reset()
        for app in self.apps:
            app.reset()
        self.ledger.clear()

    def stop(self) -> None:
        for service in self.services.values():
            service.stop()


def new_ledger(path: Path | None) -> Ledger:
    """Return an empty ledger; the file of an earlier run is begun anew."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return Ledger(path)
