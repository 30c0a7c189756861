"""What the environment says about the API; every name begins ``TIEOUT_API_``."""

from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.errors import Rejected
from tieout.api.addresses import Network, networks_of


@dataclass(frozen=True)
class ApiSettings:
    """Limits of one process."""

    rate_per_s: int = 100  # requests of one client
    burst: int = 200
    max_body_bytes: int = 1_000_000
    body_s: int = 15  # a request's body must be here after this
    max_connections: int = 500  # when run alone
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed
    client_cache_s: int = 5  # a revocation is noticed after this at the latest
    threads: int = 64  # orders and reads under way at once, when run alone
    worker: bool = True  # sweep sagas and the inbox in this process

    @classmethod
    def of(cls, environment: Mapping[str, str], *, worker: bool) -> "ApiSettings":
        """Read the environment; ``worker`` is what counts where it says nothing.

        Raises:
            Rejected: a value is unusable; the message names it.
        """
        rate_per_s = _whole(environment, "RATE_PER_S", cls.rate_per_s, 1, 100_000)
        return cls(
            rate_per_s=rate_per_s,
            burst=_whole(environment, "BURST", 2 * rate_per_s, 1, 1_000_000),
            max_body_bytes=_whole(environment, "MAX_BODY_BYTES", cls.max_body_bytes, 1000, 10**7),
            body_s=_whole(environment, "BODY_S", cls.body_s, 1, 300),
            max_connections=_whole(environment, "MAX_CONNECTIONS", cls.max_connections, 10, 10**5),
            trusted_proxies=networks_of(
                environment.get("TIEOUT_API_TRUSTED_PROXIES", ""), "TIEOUT_API_TRUSTED_PROXIES"
            ),
            client_cache_s=_whole(environment, "CLIENT_CACHE_S", cls.client_cache_s, 0, 300),
            threads=_whole(environment, "THREADS", cls.threads, 4, 1000),
            worker=_switch(environment, "WORKER", worker),
        )


def _whole(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(f"TIEOUT_API_{name}", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise Rejected(
            f"TIEOUT_API_{name} is {text!r}", "the environment", f"A number from {low} to {high}."
        )
    return int(text)


def _switch(environment: Mapping[str, str], name: str, default: bool) -> bool:
    text = environment.get(f"TIEOUT_API_{name}", "").lower()
    if text not in ("", "on", "off", "true", "false", "1", "0"):
        raise Rejected(f"TIEOUT_API_{name} is {text!r}", "the environment", "on or off.")
    return text in ("on", "true", "1") if text else default
