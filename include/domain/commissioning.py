"""What must be known of a site before anything is written to its real books.

No public source says how late the gateway's search shows a payment, or how long a SYSPRO run takes;
each is measured at the vendors' test accounts, recorded per connection, and held against the
settings. Source: reliability reference, 3.9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Probe(StrEnum):
    """What is measured; the numbers are the reference's."""

    repeated_payment = "P1"
    search_lag = "P2"
    webhook_time = "P3"
    webhook_identity = "P4"
    repeated_order = "P5"
    longest_run = "P6"
    longest_address = "P7"
    second_logon = "P8"
    closed_period = "P9"
    report_times = "P10"


WORDS: Mapping[Probe, str] = {
    Probe.repeated_payment: "whether the gateway recognises a repeat under one transaction id",
    Probe.search_lag: "how late the gateway's search shows a payment",
    Probe.webhook_time: "the time stamp of a webhook, first and on each retry",
    Probe.webhook_identity: "whether a webhook keeps its id over retries and replays",
    Probe.repeated_order: "whether SYSPRO refuses a second order with the same customer PO",
    Probe.longest_run: "SYSPRO's longest run",
    Probe.longest_address: "the longest address that SYSPRO's server takes",
    Probe.second_logon: "what a second logon with one operator does to the first",
    Probe.closed_period: "SYSPRO's words for a closed period",
    Probe.report_times: "when the reports are ready, and what an empty day looks like",
}
# The figure of a probe that the connection's Q must outlast, in milliseconds.
OUTLASTED: Mapping[Probe, str] = {Probe.search_lag: "longest_ms", Probe.longest_run: "longest_ms"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One measurement at one connection; a later one takes its place."""

    probe: Probe
    connection: str  # id of the Airflow connection
    found: Mapping[str, object]  # whole numbers, words, yes or no; times in milliseconds
    measured_at: datetime  # UTC
    who: str


@dataclass(frozen=True, slots=True)
class Need:
    """A fact that a write needs."""

    probe: Probe
    connection: str
