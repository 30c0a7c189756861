"""What was mistyped is said to be unknown: "none" about it would read as good news."""

import pytest

from include.wiring import Tieout
from tests.care.conftest import Care
from tests.care.conftest import care as care
from tests.care.shell import context as context
from tieout import cli


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("open-items list --merchant acme-us", "there is no merchant 'acme-us'"),
        ("balances acme-us", "Name one of acme_jp, acme_uk, acme_us."),
        ("orders list --shop acme_us", "shop_id 'acme_us' is not configured"),
        ("customers list --shop acme_us", "shop_id 'acme_us' is not configured"),
        ("dead-letters replay --kind shop_oder", "no dead letter of kind 'shop_oder' is open"),
        ("orders show acme_us_web/99999", "there is no order 'acme_us_web/99999'"),
    ],
)
def test_an_unknown_name_is_refused(
    care: Care, context: Tieout, line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line.split()) == 1
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["refunds", "list", "--state", "wating"], "invalid choice: 'wating'"),
        (["open-items", "list", "--day", "31.10."], "'31.10.' is no day like 2026-11-20"),
        (["store", "doubt", "--reason", " "], "--reason: is blank"),
        (["dead-letters", "resolve", "1", "--reason", " "], "--reason: is blank"),
        (["orders", "cancel", "web/1", "--reason", ""], "--reason: is blank"),
        (["orders", "capture", "web/1", "--cause", ""], "--cause: is blank"),
        (["refunds", "refuse", "r", "--reason", " "], "--reason: is blank"),
        (["refunds", "paid-outside", "r", "--reference", " "], "--reference: is blank"),
    ],
)
def test_what_cannot_be_meant_ends_in_the_usage(
    line: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(line)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_what_is_known_and_empty_is_none(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (
        "open-items list --merchant acme_us",
        "orders list --expiring",
        "dead-letters replay --all",
    ):
        assert cli.main(line.split()) == 0
    assert capsys.readouterr().out == "0 open\n0 orders\n0 replayed, 0 not\n"
