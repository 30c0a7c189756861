"""The JSON facade: its map is data, and its answers are doubted like any other."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.adapters.http.wire import Request, Response
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.facade_map import SHIPPED, load_facade_map
from include.adapters.syspro.settings import settings_from
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.domain.journal import Journal
from include.services.effects.ports import Effect, EffectKind
from tests.simulator.memory import MemoryEffectStore


class Canned:
    """A transport that answers from a list and keeps the requests."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers, self.requests = list(answers), []  # type: ignore[var-annotated]

    def exchange(self, request: Request, sink: BytesIO | None = None) -> Response:
        request.leave()
        self.requests.append(request)
        status, body = self.answers.pop(0)
        return Response(status, {}, body, "", len(body))


@pytest.fixture
def facade(leases: MemoryEffectStore) -> Callable[..., tuple[SysproAdapter, Canned]]:
    def make(*answers: tuple[int, bytes], **extra: object) -> tuple[SysproAdapter, Canned]:
        wire = Canned(*answers)
        given = {"adapter": "api_services", "company_id": "A", "base_currency": "USD", **extra}
        settings = settings_from("syspro_f", "https://facade.example", "OP", "secret", given)
        return open_adapter(settings, wire, leases, "test"), wire  # type: ignore[arg-type]

    return make


def test_a_journal_becomes_the_json_of_the_map_with_exact_amounts(
    facade: Any, settlement: Journal, effect_for: Callable[..., Effect]
) -> None:
    yes = b'{"Success": true, "GlYear": 2026, "GlPeriod": "10", "GlJournal": "00117"}'
    adapter, wire = facade((200, yes))
    receipt = adapter.partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert receipt.their_key == "2026/10/117"
    (request,) = wire.requests
    assert request.is_write
    assert request.url == "https://facade.example/APIServices/GLJournalService/AddJournalEntry"
    body = json.loads(request.body)
    assert (body["CompanyId"], body["PostingYear"], body["PostingPeriod"]) == ("A", 2026, 10)
    assert body["JournalReference"] == settlement.reference
    assert len(body["Lines"]) == 8  # the zero line stays at home
    assert body["Lines"][-1]["Amount"] == "-400.00"


def test_amounts_may_be_numbers_and_names_are_the_sites_own(
    facade: Any, settlement: Journal, effect_for: Callable[..., Effect], tmp_path: Path
) -> None:
    names = yaml.safe_load(SHIPPED.read_text())
    names["amounts"] = "number"
    names["auth"] = "X-Token"
    names["gl_journal"]["post"]["line"] = {"Konto": "gl_account", "Betrag": "amount", "T": "=GL"}
    file = tmp_path / "map.yaml"
    file.write_text(yaml.safe_dump(names, sort_keys=False))
    adapter, wire = facade((200, b'{"Success": true}'), facade_map=str(file))
    adapter.partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert b'{"Konto": "1160", "Betrag": 267.98, "T": "GL"}' in wire.requests[0].body
    assert wire.requests[0].headers["X-Token"] == "secret"
    assert "secret" not in repr(wire.requests[0])


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"Success": false, "Errors": [{"Message": "Ledger code not found"}]}', Rejected),
        (200, b'{"Success": false, "Errors": [{"Message": "Period 10 is closed"}]}', Parked),
        (200, b'{"Success": false, "Errors": [{"Message": "already exists"}]}', OutcomeUnknown),
        (200, b'{"Success": null}', OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
        (200, b"[]", OutcomeUnknown),
        (200, b"<html></html>", OutcomeUnknown),
        (200, b"", OutcomeUnknown),
        (200, b"[" * 100_000, OutcomeUnknown),
        (409, b"{}", OutcomeUnknown),
        (429, b"{}", OutcomeUnknown),
        (500, b"{}", OutcomeUnknown),
        (400, b'{"Message": "CompanyId"}', Rejected),
        (401, b"", Rejected),
    ],
)  # fmt: skip
def test_only_a_clear_yes_is_a_yes(
    facade: Any,
    settlement: Journal,
    effect_for: Callable[..., Effect],
    status: int,
    body: bytes,
    error: type[IntegrationError],
) -> None:
    adapter, _ = facade((status, body))
    with pytest.raises(error) as caught:
        adapter.partners[EffectKind.gl_journal].send(effect_for(settlement))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (404, b""), (200, b"<html>"), (200, b'{"Journals": [1]}'),
     (200, b'{"Journals": [{"DebitAmount": "1,0"}]}')],
)  # fmt: skip
def test_a_look_that_cannot_read_never_says_absent(
    facade: Any, settlement: Journal, effect_for: Callable[..., Effect], status: int, body: bytes
) -> None:
    adapter, _ = facade((status, body))
    with pytest.raises(Retryable):
        adapter.partners[EffectKind.gl_journal].look(effect_for(settlement))


def journals(*references: str) -> tuple[int, bytes]:
    rows = [
        {
            "GlYear": "2026", "GlPeriod": "10", "GlJournal": str(n), "JournalReference": reference,
            "JournalDate": "2026-10-31", "DebitAmount": "400.00", "Lines": [],
        }
        for n, reference in enumerate(references, 117)
    ]  # fmt: skip
    return 200, json.dumps({"Journals": rows}).encode()


def test_a_row_with_another_reference_is_not_ours(
    facade: Any, settlement: Journal, effect_for: Callable[..., Effect]
) -> None:
    other, ours = "TO0000000000000000FF", settlement.reference.lower()
    adapter, _ = facade(journals(other, ours, other), journals())
    partner = adapter.partners[EffectKind.gl_journal]
    assert [found.their_key for found in partner.look(effect_for(settlement))] == ["2026/10/118"]
    assert partner.look(effect_for(settlement)) == ()


@pytest.mark.parametrize("reference", ["TO0000000000000000FF", ""])
def test_rows_that_do_not_show_our_reference_never_say_absent(
    facade: Any, settlement: Journal, effect_for: Callable[..., Effect], reference: str
) -> None:
    adapter, _ = facade(journals(reference))
    with pytest.raises(Retryable, match=r"not asked for|shows no JournalReference"):
        adapter.partners[EffectKind.gl_journal].look(effect_for(settlement))


def test_what_the_facade_does_not_read_names_the_field_to_fill_in(facade: Any) -> None:
    adapter, _ = facade()
    with pytest.raises(Rejected, match="read_conn_id"):
        adapter.reader.posting_period("A", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amounts": "float"}, "amounts"),
        ({"gl_jornal": {}}, "gl_jornal"),
        ({"ap_invoice": {"post": {}}}, "ap_invoice"),
    ],
)
def test_a_wrong_map_is_refused_with_the_place(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(SHIPPED.read_text()), **change}))
    with pytest.raises(Rejected, match=message):
        load_facade_map(str(file))


def test_a_map_that_names_an_unknown_word_of_ours_is_refused(tmp_path: Path) -> None:
    names = yaml.safe_load(SHIPPED.read_text())
    names["gl_journal"]["post"]["line"]["Amount"] = "ammount"
    file = tmp_path / "map.yaml"
    file.write_text(yaml.safe_dump(names))
    with pytest.raises(Rejected, match="'ammount' is none of"):
        load_facade_map(str(file))
    with pytest.raises(Rejected, match="cannot be read"):
        load_facade_map(str(tmp_path / "none.yaml"))
