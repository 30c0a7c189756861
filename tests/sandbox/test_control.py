"""The control server, the truth ledger and its file."""

import json
from pathlib import Path
from typing import Any

from include.sandbox.board import new_ledger

Wire = Any


def test_health_names_every_server(wire: Wire) -> None:
    answer = wire.control("GET", "health")
    assert answer["status"] == "ok"
    assert answer["servers"]["syspro"] == wire.sandbox.syspro_url


def test_the_ledger_shows_what_was_executed_and_what_was_refused(
    wire: Wire, make_journal: Any
) -> None:
    wire.post("GENTJL", make_journal(("1160", "10.00"), ("1150", "-10.00")))
    wire.post("GENTJL", make_journal(("1160", "10.00"), ("9999", "-10.00"), reference="TO2"))
    rows = wire.control("GET", "ledger?system=syspro&verb=GENTJL")
    assert [(r["reference"], r["committed"]) for r in rows] == [("TO1", True), ("TO2", False)]
    assert (rows[0]["year"], rows[0]["period"], rows[0]["journal"]) == (2026, 11, 117)
    assert rows[0]["lines"][0] == {"gl_code": "1160", "amount": "10.00", "reference": "TO1"}
    assert len(wire.control("GET", "ledger?reference=TO1")) == 1


def test_reset_returns_to_the_seeded_state(wire: Wire, journal: str) -> None:
    wire.post("GENTJL", journal)
    wire.spoil("500", times=0)
    facts = {"company": "A", "year": 2026, "period": 11, "state": "closed"}
    wire.control("POST", "periods", facts)
    wire.control("POST", "reset", {})
    assert wire.control("GET", "ledger") == []
    assert wire.control("GET", "faults") == []
    wire.log_on()
    assert wire.post("GENTJL", journal).findtext("Item/Transaction/Key/GlJournal") == "00117"


def test_labels_come_from_the_world(wire: Wire) -> None:
    labels = wire.control("GET", "labels?merchant=acme_us&date=2026-11-02")
    assert labels == [{"label": "late", "merchant": "acme_us", "on": "2026-11-02"}]


def test_control_says_what_is_wrong_with_a_call(wire: Wire) -> None:
    for path, facts, status in (
        ("periods", {"company": "Z", "state": "open"}, 400),
        ("periods", {"company": "A", "year": 2027, "period": 1, "state": "open"}, 400),
        ("syspro", {"sets": 3}, 400),
        ("nonsense", {}, 404),
        ("faults", [1], 400),
    ):
        body = json.dumps(facts).encode()
        found, _, answer = wire.raw("POST", f"/control/{path}", body, url=wire.sandbox.control_url)
        assert (found, "error" in json.loads(answer)) == (status, True)


def test_the_ledger_file_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "run" / "ledger.jsonl"
    ledger = new_ledger(path)
    ledger.record("bank", "chat", "alert-1", "text", committed=True, channel="finance")
    (row,) = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert (row["system"], row["reference"], row["facts"]) == (
        "bank",
        "alert-1",
        {"channel": "finance"},
    )
    # SHA-256 of "text", by sha256sum
    assert row["digest"].startswith("982d9e3eb996f559e633f4d194def376")


def test_the_ledger_counts_only_what_was_committed() -> None:
    ledger = new_ledger(None)
    ledger.record("syspro", "GENTJL", "TO1", "a")
    ledger.record("syspro", "GENTJL", "TO1", "a", committed=False)
    ledger.record("syspro", "CSHTWD", "TO1", "a")
    assert ledger.count(verb="GENTJL") == 1
    assert ledger.count(reference="TO1") == 2
