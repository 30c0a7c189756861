"""The shipped mappings answer; a wrong one names its file, its line, the value and the fix."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from include.domain.card_numbers import has_card_number
from include.domain.errors import Rejected
from include.domain.merchant import PeriodPolicy
from include.domain.money import Money
from include.domain.settlement import LineClass
from include.mappings.check import main
from include.mappings.load import SHIPPED, load_mappings, read_mappings

DAY = date(2026, 10, 31)


def _change(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """Copy the shipped files and replace one text, which must be there."""
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    text = (tmp_path / file).read_text()
    assert old in text, f"{old!r} is not in {file}"
    (tmp_path / file).write_text(text.replace(old, new, 1))
    return tmp_path


def _line(folder: Path, file: str, text: str) -> int:
    lines = (folder / file).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def test_the_shipped_mappings_have_no_problem() -> None:
    assert read_mappings(SHIPPED)[1] == []


def test_the_demo_merchants_are_as_the_books_expect() -> None:
    mappings = load_mappings()
    us, uk, jp = (mappings.merchant(name, DAY) for name in ("acme_us", "acme_uk", "acme_jp"))
    assert [m.gl_template for m in (us, uk, jp)] == ["clearing", "clearing", "direct"]
    assert uk.bank_account("EUR") == ("UK-EUR-001", "BEU")
    assert uk.bank_account("GBP").bank_code == "BGB"
    assert uk.fees_as_ap_invoice
    assert uk.ap_supplier == "ACQ001"
    assert jp.period_policy is PeriodPolicy.park
    supplied = {line_class for source in jp.sources for line_class in source.supplies}
    assert LineClass.chargeback not in supplied


def test_a_currency_without_bank_account_names_the_line_to_add() -> None:
    with pytest.raises(Rejected, match=r"CHF: \{account_id: .*under bank_accounts of acme_uk"):
        load_mappings().merchant("acme_uk", DAY).bank_account("CHF")


def test_gl_accounts_are_those_of_the_books() -> None:
    clearing = load_mappings().gl_template("clearing", DAY)
    direct = load_mappings().gl_template("direct", DAY)
    assert [clearing.account(r) for r in ("bank", "net", "gross_sale", "chargeback")] == [
        "1000",
        "1160",
        "1150",
        "1170",
    ]
    assert [direct.account(r) for r in ("gross_sale", "refund")] == ["4000", "4010"]
    assert clearing.account("fee.chargeback_fee") == "6155"


def test_a_missing_account_names_the_line_to_add() -> None:
    with pytest.raises(Rejected) as caught:
        load_mappings().gl_template("clearing", DAY).account("fee.cross_border")
    assert caught.value.where.startswith("gl_templates.yaml:")
    assert "Add the line 'fee.cross_border: \"<account>\"'" in caught.value.do


def test_a_template_before_its_first_day_is_refused() -> None:
    with pytest.raises(Rejected, match="no GL template 'clearing' is in force on 2025-12-31"):
        load_mappings().gl_template("clearing", date(2025, 12, 31))


def test_a_later_entry_rules_from_its_first_day_on(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    with (tmp_path / "fee_codes.yaml").open("a") as file:
        file.write(
            "\n  - layout: fee_detail_csv\n    effective_from: 2026-06-01\n"
            "    owner: controller@acme.example\n    codes:\n      interchange: service\n"
        )
    mappings = load_mappings(tmp_path)
    assert mappings.fee_kind("fee_detail_csv", "interchange", date(2026, 5, 31)) == "interchange"
    assert mappings.fee_kind("fee_detail_csv", "interchange", date(2026, 6, 1)) == "service"


def test_an_unmapped_fee_code_names_the_line_to_add() -> None:
    with pytest.raises(Rejected) as caught:
        load_mappings().fee_kind("fee_detail_csv", "interchange_plus", DAY)
    line = _line(SHIPPED, "fee_codes.yaml", "layout: fee_detail_csv")
    assert caught.value.where == f"fee_codes.yaml:{line}"
    assert "Add the line 'interchange_plus: interchange' under codes" in caught.value.do


def test_an_unmapped_chargeback_reason_names_the_line_to_add() -> None:
    assert load_mappings().chargeback_reason("4837", DAY).respond_within_days == 30
    with pytest.raises(Rejected, match=r"Add the line '\"99.9\": \{meaning"):
        load_mappings().chargeback_reason("99.9", DAY)


def test_rates_are_exact_dated_and_never_inverted() -> None:
    mappings = load_mappings()
    assert mappings.fx_rate("EUR", "USD", DAY) == 1_083_700
    assert mappings.fx_rate("GBP", "GBP", DAY) == 1_000_000
    with pytest.raises(Rejected, match="no rate GBP to EUR"):
        mappings.fx_rate("GBP", "EUR", DAY)
    with pytest.raises(Rejected, match="of 2026-12-01 is too old on 2027-01-16"):
        mappings.fx_rate("EUR", "GBP", date(2027, 1, 16))


def test_the_fee_schedule_gives_the_agreed_cost() -> None:
    rates = load_mappings().fee_schedule("acme_us", DAY).rates  # type: ignore[union-attr]
    sale = Money(10_000, "USD")
    # 100.00 USD on Visa: 1.65 % is 1.65; 0.14 % is 0.14; 0.10 per item.
    assert rates["interchange"].expected(sale, card_type="Visa") == Money(165, "USD")
    assert rates["assessment"].expected(sale) == Money(14, "USD")
    assert rates["per_item"].expected(sale, items=3) == Money(30, "USD")
    assert rates["interchange"].expected(sale, card_type="UnionPay") is None


def test_the_version_follows_values_and_ignores_comments(tmp_path: Path) -> None:
    shipped = load_mappings().version
    commented = _change(tmp_path / "a", "gl_templates.yaml", "gl_templates:", "# x\ngl_templates:")
    changed = _change(tmp_path / "b", "gl_templates.yaml", '"6150"', '"6159"')
    assert load_mappings(commented).version == shipped
    assert load_mappings(changed).version != shipped


BAD = yaml.safe_load((Path(__file__).parents[1] / "bad_input" / "mappings.yaml").read_text())


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_file_line_value_and_fix(case: str, tmp_path: Path) -> None:
    bad = BAD[case]
    folder = _change(tmp_path, bad["file"], bad["old"], bad["new"])
    problems = read_mappings(folder)[1]
    told = [p for p in problems if bad["what"] in p.what and bad["do"] in p.do]
    assert told, "\n".join(str(problem) for problem in problems)
    if "blamed" in bad:
        text = (folder / told[0].file).read_text().splitlines()[told[0].line - 1]
        assert bad["blamed"] in text, f"{told[0]} blames {text!r}"
    with pytest.raises(Rejected):
        load_mappings(folder)


@pytest.mark.parametrize("condition", ['EQ, value: "20"', 'NE, value: "10"'])
def test_two_merchants_share_a_company_where_no_document_is_both(
    tmp_path: Path, condition: str
) -> None:
    rows = f"erp_documents: [{{column: Branch, condition: {condition}}}]"
    folder = _change(tmp_path, "merchants.yaml", "company_id: B", f"company_id: A\n    {rows}")
    mappings = load_mappings(folder)
    us, uk, jp = (mappings.merchant(name, DAY) for name in ("acme_us", "acme_uk", "acme_jp"))
    assert us.erp_documents[0] == ("Branch", "EQ", "10")
    assert uk.erp_documents[0].column == "Branch"
    assert jp.erp_documents == ()


def test_merchants_may_follow_each_other_in_one_company(tmp_path: Path) -> None:
    folder = _change(tmp_path, "merchants.yaml", "company_id: B", "company_id: A")
    text = (folder / "merchants.yaml").read_text()
    ended = "effective_from: 2026-01-01\n    effective_to: 2026-05-31"
    text = text.replace("effective_from: 2026-01-01", ended, 1)
    uk = text.index("merchant_id: acme_uk")
    text = text[:uk] + text[uk:].replace("2026-01-01", "2026-06-01", 1)
    (folder / "merchants.yaml").write_text(text)
    assert read_mappings(folder)[1] == []


def test_a_later_entry_gives_up_what_another_merchant_then_takes(tmp_path: Path) -> None:
    folder = _change(tmp_path, "merchants.yaml", "account_id: UK-EUR-001", "account_id: US-001")
    text = (folder / "merchants.yaml").read_text()
    uk = text.index("  - merchant_id: acme_uk")
    own = text[text.index("  - merchant_id: acme_us") : uk]
    later = own.replace("2026-01-01", "2026-06-01", 1).replace("US-001", "US-002")
    begun = text[uk:].replace("2026-01-01", "2026-06-01", 1)
    (folder / "merchants.yaml").write_text(text[:uk] + later + begun)
    assert not [p.what for p in read_mappings(folder)[1] if "is also of" in p.what]


def test_a_source_says_on_which_days_of_the_week_it_comes(tmp_path: Path) -> None:
    line = "comes_on: [mon, tue, wed, thu, fri]"
    folder = _change(tmp_path, "merchants.yaml", "layout: bai2", f"layout: bai2\n        {line}")
    us = load_mappings(folder).merchant("acme_us", DAY)
    assert us.source("bank").comes_on == frozenset(range(5))
    assert us.source("sales").comes_on == frozenset(range(7))
    text = (folder / "merchants.yaml").read_text()
    (folder / "merchants.yaml").write_text(text.replace("thu, fri", "thu, friday"))
    with pytest.raises(Rejected, match="Did you mean 'fri'"):
        load_mappings(folder)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    folder = _change(tmp_path, "merchants.yaml", "zone: Asia/Tokyo", "zone: JST")
    text = (folder / "gl_templates.yaml").read_text()
    (folder / "gl_templates.yaml").write_text(text.replace('"6150"', "6150"))
    with pytest.raises(Rejected) as caught:
        load_mappings(folder)
    assert caught.value.what == "3 problems in the mappings"
    assert "merchants.yaml:" in caught.value.where
    assert caught.value.where.count("gl_templates.yaml:") == 2
    assert caught.value.do.count(": error: ") == 3


def test_a_missing_file_and_a_stray_one_are_both_named(tmp_path: Path) -> None:
    folder = _change(tmp_path, "fx_rates.yaml", "fx_rates:", "fx_rates:")
    (folder / "fx_rates.yaml").rename(folder / "fx_rates_old.yaml")
    told = [str(problem) for problem in read_mappings(folder)[1]]
    assert (
        "fx_rates.yaml:1: error: the file is missing. Create fx_rates.yaml with its list." in told
    )
    assert any(line.startswith("fx_rates_old.yaml:1: error: no such mapping") for line in told)


def test_a_secret_value_is_never_printed(tmp_path: Path) -> None:
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj0gEA"
    folder = _change(tmp_path, "merchants.yaml", "company_id: A", f"company_id: {key}")
    told = "\n".join(str(problem) for problem in read_mappings(folder)[1])
    assert "looks like a key" in told
    assert key not in told


def test_a_card_number_is_found_and_never_printed(tmp_path: Path) -> None:
    assert has_card_number("paid with 4111 1111 1111 1111 today")
    assert not has_card_number("6425873491246001234567")  # a request id has 22 digits
    folder = _change(tmp_path, "merchants.yaml", "company_id: A", "company_id: '4111111111111111'")
    told = "\n".join(str(problem) for problem in read_mappings(folder)[1])
    assert "looks like a card number" in told
    assert "4111" not in told


def test_bytes_that_are_not_utf_8_name_their_line(tmp_path: Path) -> None:
    folder = _change(tmp_path, "fx_rates.yaml", "fx_rates:", "fx_rates:")
    (folder / "fx_rates.yaml").write_bytes(b"fx_rates:\n  - owner: Jos\xe9\n")
    told = [str(problem) for problem in read_mappings(folder)[1]]
    assert "fx_rates.yaml:2: error: byte 0xe9 is not UTF-8. Save as UTF-8." in told


def test_the_command_prints_like_a_compiler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _change(tmp_path, "merchants.yaml", "zone: Asia/Tokyo", "zone: Japan")
    line = _line(folder, "merchants.yaml", "zone: Japan")
    assert main([str(folder)]) == 1
    assert capsys.readouterr().err == (
        f"{folder}/merchants.yaml:{line}: error: zone: 'Japan' is not a time zone of the form "
        "Area/City. Write 'Asia/Tokyo' or another name of the IANA list.\n"
    )
    assert main([]) == 0
    assert "entries in force" in capsys.readouterr().out
