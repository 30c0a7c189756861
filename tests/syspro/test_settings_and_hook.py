"""A connection's fields, and the hook that reads them."""

import json
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import KINDS
from include.adapters.syspro.settings import settings_from
from include.domain.errors import Rejected
from include.services.effects.ports import EffectKind
from tests.simulator.memory import MemoryEffectStore


def settings(**extra: object) -> Any:
    return settings_from("c", "https://x/", "OP", "pw-secret", {"company_id": "A", **extra})


def test_fields_come_as_text_numbers_or_lists_and_blanks_keep_the_default() -> None:
    found = settings(
        url_limit="4000", deadline_s=30, post_large_documents="false", session_words="a| b ",
        period_words=["p"], language="", max_sends=2.0, refuse_eviction=True,
    )  # fmt: skip
    assert (found.url_limit, found.deadline_s, found.max_sends) == (4000, 30.0, 2)
    assert (found.post_large_documents, found.refuse_eviction) == (False, True)
    assert (found.session_words, found.period_words) == (("a", "b"), ("p",))
    assert (found.language, found.base_url) == ("", "https://x")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"company_id": ""}, "company_id is set"),
        ({"base_currency": "dollars"}, "base_currency is empty or an ISO code"),
        ({"adapter": "soap"}, "adapter is one of"),
        ({"quiescence_s": 10}, "quiescence_s exceeds"),
        ({"connect_s": 500}, "connect_s"),
        ({"url_limit": "long"}, "'long' does not fit field 'url_limit'"),
        ({"post_large_documents": "maybe"}, "does not fit"),
        ({"pasword": "x"}, "field 'pasword' of the connection is not known"),
        ({"password": "x"}, "not known"),
        ({"open_periods": 12}, "open_periods"),
    ],
)
def test_a_wrong_field_is_refused_by_name(extra: dict[str, object], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        settings(**extra)


def test_secrets_do_not_show() -> None:
    assert "pw-secret" not in repr(settings(company_password="c-secret"))
    assert "c-secret" not in repr(settings(company_password="c-secret"))


def test_q_comes_from_the_connection() -> None:
    timings = settings(quiescence_s=600, verify_after_s=0).timings
    assert timings.quiescence.total_seconds() == 600
    assert timings.verify_after is not None


def test_codes_of_currencies_are_translated() -> None:
    found = settings(base_currency="USD", currency_codes="$=|GB=GBP")
    assert [found.iso_currency(code, "x") for code in ("", "$", "GB", "EUR")] == [
        "USD", "USD", "GBP", "EUR",
    ]  # fmt: skip


@pytest.fixture
def make_hook(fake: Any, leases: MemoryEffectStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("airflow")
    from tieout.hooks.syspro import SysproHook

    def make(host: str = "", **extra: object) -> Any:
        given = {"company_id": "A", "deadline_s": 20, "connect_s": 10, "operator_wait_s": 0.5}
        connection = {
            "conn_type": "syspro",
            "host": host or fake.url,
            "login": "TIEOUT",
            "password": "p@ss word/1",
            "extra": {**given, **extra},
        }
        monkeypatch.setenv("AIRFLOW_CONN_SYSPRO_A", json.dumps(connection))
        return SysproHook("syspro_a", HttpTransport(), leases)

    return make


def test_the_constructor_opens_nothing(fake: Any) -> None:
    from tieout.hooks.syspro import SysproHook

    SysproHook("no_such_connection")
    assert fake.calls == []


def test_the_hook_adds_the_services_path_and_offers_every_kind(fake: Any, make_hook: Any) -> None:
    hook = make_hook()
    assert set(hook.partners) == set(hook.timings_by_kind) == set(KINDS)
    assert hook.test_connection() == (True, "Logged on to company A as TIEOUT, and off again.")
    assert fake.calls[0].path == "/SYSPROWCFService/Rest/Logon"
    assert hook.calls == 2


def test_the_hook_reads_for_order_to_cash_and_knows_how_long_to_wait(
    fake: Any, make_hook: Any
) -> None:
    row = (
        "<Row><StockCode>A1</StockCode><Warehouse>FG</Warehouse><QtyOnHand>3</QtyOnHand>"
        "<QtyAllocated>1</QtyAllocated></Row><RowsReturned>1</RowsReturned>"
    )
    unit = "<Row><StockCode>A1</StockCode></Row><RowsReturned>1</RowsReturned>"
    fake.on(
        "query COMFND",
        f"<InvWarehouse>{row}</InvWarehouse>".encode(),
        f"<InvMaster>{unit}</InvMaster>".encode(),
    )
    hook = make_hook()
    (level,) = hook.orders.stock(["A1"], "FG")
    assert level.available_millionths == 2_000_000
    assert not hook.timings_by_kind[EffectKind.ar_receipt].looks_first


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"refund_receipts": "arstin"}, "refund_product_class"),
        ({"stock_by": "guess"}, "stock_by is one of"),
        ({"poll_overlap_rows": "-1"}, "not negative"),
        ({"tracking_pattern": "(.*)"}, "groups carrier and tracking"),
        ({"tracking_pattern": "(?P<carrier>"}, "groups carrier and tracking"),
        ({"codes_per_question": "0"}, "1 to 100"),
        ({"bom_columns": "ParentPart|Component"}, "bom_columns are three"),
        ({"bom_filter": "Route"}, "bom_filter is column=value"),
        ({"receipt": "report"}, "'receipt' of the connection is not known"),
    ],
)
def test_a_setting_of_order_to_cash_that_cannot_work_is_refused(
    extra: dict[str, str], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        settings_from("c", "http://x", "OP", "p", {"company_id": "A", **extra})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"ERROR: Invalid operator password", "Correct operator or password"),
        (b"ERROR: Invalid company id", "Correct company_id"),
        (b"ERROR: No e.net licence is free", "free a seat"),
    ],
)
def test_the_test_button_says_what_is_wrong(
    fake: Any, make_hook: Any, text: bytes, words: str
) -> None:
    fake.on("logon", text)
    is_good, message = make_hook().test_connection()
    assert not is_good
    assert words in message
    assert "p@ss" not in message


def test_the_test_button_says_that_the_host_is_wrong(make_hook: Any) -> None:
    is_good, message = make_hook(host="http://127.0.0.1:9").test_connection()
    assert not is_good
    assert "Check host and network" in message


def test_secrets_are_masked_in_all_their_forms(
    make_hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.hooks import masking

    masked: set[str] = set()
    monkeypatch.setattr(masking, "mask_secret", masked.add)
    make_hook(company_password="c&mp any").test_connection()
    assert {"p@ss word/1", "p%40ss%20word%2F1", "c&mp any", "c%26mp%20any"} <= masked
    assert "0123456789ABCDEF0123456789ABCDEF07" in masked


def test_the_facade_is_chosen_by_the_connection(make_hook: Any) -> None:
    hook = make_hook(host="https://facade.example", adapter="api_services")
    assert hook.get_conn().settings.base_url == "https://facade.example"
    assert type(hook.partners[EffectKind.gl_journal]).__name__ == "FacadePartner"


def test_without_store_and_leases_the_hook_says_what_to_set(
    make_hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.hooks.syspro import SysproHook

    make_hook()
    monkeypatch.delenv("TIEOUT_STORE_URL", raising=False)
    is_good, message = SysproHook("syspro_a").test_connection()
    assert not is_good
    assert "TIEOUT_STORE_URL" in message
