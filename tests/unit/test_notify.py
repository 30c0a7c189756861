"""Finance hears of what it can act on: once, one message per cause, and never in vain."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from include.adapters.store.engine import open_store
from include.adapters.store.reports import SqlSentMessages
from include.adapters.store.schema import metadata
from include.domain.errors import Retryable
from include.domain.quality import QualityResult
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.services.approve_journals import ApprovalRequest
from include.services.notify import Message, notify, tell_question
from include.services.report_model import FileReport, ItemReport, JournalReport, TieOut
from include.services.write_report import DayState
from tests.unit.report_example import DAY, FIRST, ITEM, usd

US = load_mappings().merchant("acme_us", date(2026, 10, 31))


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, 9, tzinfo=UTC)


@dataclass
class Facts:
    items_open: list[ItemReport] = field(default_factory=list)
    state: DayState | None = None
    booked: list[JournalReport] = field(default_factory=list)

    def day_state(self, day: SettlementDay) -> DayState | None:
        return self.state

    def journals(self, day: SettlementDay) -> Sequence[JournalReport]:
        return self.booked

    def items(self, day: SettlementDay) -> Sequence[ItemReport]:
        return self.items_open

    def files(self, day: SettlementDay) -> Sequence[FileReport]:
        return ()

    def quality(self, day: SettlementDay) -> QualityResult | None:
        return None


@dataclass
class Mail:
    sent: list[tuple[Sequence[str], str, str]] = field(default_factory=list)
    is_down: bool = False

    def send(self, to: Sequence[str], subject: str, text: str) -> None:
        if self.is_down:
            raise Retryable("connection refused", "smtp_default", "Try later.")
        self.sent.append((to, subject, text))


@dataclass
class Chat:
    sent: list[str] = field(default_factory=list)

    def send(self, text: str) -> None:
        self.sent.append(text)


class Desk:
    """Everything notify needs, on a real store."""

    def __init__(self, store_url: str) -> None:
        engine = open_store(store_url)
        metadata.create_all(engine)
        self.sent = SqlSentMessages(engine, Clock())
        self.mail, self.chat = Mail(), Chat()

    def notify(self, facts: Facts) -> tuple[Message, ...]:
        return notify(
            DAY,
            US,
            facts=facts,
            sent=self.sent,
            mail=self.mail,
            chat=self.chat,
            link="http://localhost:8080/tieout/days",
        )


@pytest.fixture
def desk(store_url: str) -> Desk:
    return Desk(store_url)


def _items(count: int, **changes: object) -> list[ItemReport]:
    return [replace(ITEM, item_key=f"k{i}", **changes) for i in range(count)]  # type: ignore[arg-type]


def test_a_day_with_nothing_to_act_on_is_silent(desk: Desk) -> None:
    waiting = [*_items(2, cause="expected"), replace(ITEM, cause="source_awaited")]
    done = DayState("tied_out", "", (), "m")
    assert desk.notify(Facts(waiting, done)) == ()
    assert desk.mail.sent == []
    assert desk.chat.sent == []


def test_many_items_of_one_cause_are_one_message(desk: Desk) -> None:
    told = desk.notify(Facts(_items(5)))
    assert [message.cause for message in told] == ["missing_in_erp"]
    to, subject, text = desk.mail.sent[0]
    assert to == ("controller@acme.example", "ar.us@acme.example")
    # five times 49.50
    assert subject == "acme_us 2026-10-31: 5 missing in erp, 247.50 USD"
    assert "5 open: missing in erp, 247.50 USD; the oldest is 2 days old." in text
    assert text.count("  Next: Create the invoice") == 3
    assert "The report lists the other 2." in text
    assert "Owner: ar.us@acme.example" in text
    assert text.endswith("Report: http://localhost:8080/tieout/days")
    assert len(desk.mail.sent) == len(desk.chat.sent) == 1


def test_each_cause_has_its_own_message(desk: Desk) -> None:
    other = _items(1, cause="wrong_amount")[0]
    told = desk.notify(Facts([*_items(2), replace(other, item_key="w")]))
    assert [message.cause for message in told] == ["missing_in_erp", "wrong_amount"]


def test_a_second_run_of_the_day_tells_nothing_again(desk: Desk) -> None:
    desk.notify(Facts(_items(2)))
    assert desk.notify(Facts(_items(2))) == ()
    assert len(desk.mail.sent) == 1


def test_a_new_item_is_told_and_the_known_ones_are_only_counted(desk: Desk) -> None:
    desk.notify(Facts(_items(2)))
    told = desk.notify(Facts(_items(3)))
    assert told[0].subject == "acme_us 2026-10-31: 1 missing in erp, 49.50 USD"
    assert "2 more of this cause were told before and are still open." in told[0].text


def test_an_unknown_amount_is_not_a_zero(desk: Desk) -> None:
    told = desk.notify(Facts([*_items(1), replace(ITEM, item_key="u", amount=None, currency="")]))
    assert told[0].subject.endswith("49.50 USD, 1 without a known amount")


def test_a_stopped_day_is_told_with_its_reason_and_next_step(desk: Desk) -> None:
    stopped = DayState("blocked", "check: sales has not been delivered", (), "m")
    told = desk.notify(Facts(state=stopped))
    assert told[0].subject == "acme_us 2026-10-31: blocked"
    assert told[0].text.startswith("check: sales has not been delivered\n\nNext: Resolve it, then")
    assert "posted" not in told[0].text  # whether anything is depends on the step
    assert desk.notify(Facts(state=stopped)) == ()
    again = DayState("blocked", "check: another reason", (), "m")
    assert len(desk.notify(Facts(state=again))) == 1


def test_whoever_held_a_day_or_did_not_answer_is_told_how_to_be_asked_again(desk: Desk) -> None:
    held = DayState("held", "held by nobody: the time to answer ran out", (), "m")
    (told,) = desk.notify(Facts(state=held))
    assert "Required Actions" not in told.text  # nothing waits there any more
    assert "clear 'approve' of this merchant" in told.text


@pytest.mark.parametrize("state", ["chosen", "downloaded", "matched", "approved", "posted"])
def test_a_day_whose_step_ran_out_of_tries_is_told(desk: Desk, state: str) -> None:
    """A report that is pending for half a day is `Retryable` to its end: no reason is kept."""
    given_up = DayState(state, "", (), "m")
    told = desk.notify(Facts(state=given_up))
    assert [message.cause for message in told] == ["not_proven"]
    assert f"The last step done was '{state}'" in desk.mail.sent[0][2]
    assert desk.notify(Facts(state=given_up)) == ()


def test_a_journal_that_does_not_tie_out_is_told(desk: Desk) -> None:
    off = JournalReport(FIRST, "posted", "2026/10/4711", None, TieOut(usd(40_000), usd(39_999), ""))
    told = desk.notify(Facts(booked=[off]))
    assert told[0].cause == "tie_out_difference"
    assert "ours 400.00 USD, SYSPRO 399.99 USD, difference -0.01 USD" in told[0].text


def test_what_could_not_be_sent_is_told_on_the_next_run(desk: Desk) -> None:
    desk.mail.is_down = True
    assert desk.notify(Facts(_items(1))) == ()
    desk.mail.is_down = False
    assert len(desk.notify(Facts(_items(1)))) == 1


def test_a_subject_has_one_line_and_a_chat_text_calls_nobody(desk: Desk) -> None:
    bad = replace(ITEM, cause="x\r\nBcc: all@example.com", explanation="<!channel> look")
    told = desk.notify(Facts([bad]))
    assert "\n" not in told[0].subject
    assert "\r" not in told[0].subject
    assert "<" not in desk.chat.sent[0]
    assert "\u2039!channel\u203a look" in desk.chat.sent[0]


def test_where_there_is_no_way_yet_nobody_counts_as_told(desk: Desk) -> None:
    assert notify(DAY, US, facts=Facts(_items(1)), sent=desk.sent, mail=None, chat=None) == ()
    nobody = replace(US, notify=())
    facts = Facts(_items(1))
    assert notify(DAY, nobody, facts=facts, sent=desk.sent, mail=desk.mail, chat=None) == ()
    assert len(desk.notify(facts)) == 1  # there is one now


def _ask(
    desk: Desk,
    day: SettlementDay = DAY,
    body: str = "digest 1",
    run: str = "scheduled__1",
    asked_in: int = 0,
) -> bool:
    return tell_question(
        day,
        US,
        ApprovalRequest("acme_us, 2026-10-31: approve 2 journals", body, "https://x/report.html"),
        run=run,
        asked_in=asked_in,
        until=datetime(2026, 11, 2, 8, 5, tzinfo=UTC),
        sent=desk.sent,
        mail=desk.mail,
        chat=desk.chat,
        link="https://airflow.example/required_actions",
    )


def test_whoever_must_answer_is_told_once_while_the_question_waits(desk: Desk) -> None:
    assert _ask(desk)
    assert not _ask(desk)  # the task is tried again
    to, subject, text = desk.mail.sent[0]
    assert (to, subject) == (US.notify, "acme_us, 2026-10-31: approve 2 journals")
    assert "No answer by 2026-11-02 08:05 UTC holds it." in text
    assert "Every line as it would be posted: https://x/report.html\n" in text
    assert text.endswith("https://airflow.example/required_actions")
    assert len(desk.chat.sent) == 1


def test_a_question_whose_answer_was_lost_is_told_anew_and_says_so(desk: Desk) -> None:
    assert _ask(desk)
    assert _ask(desk, asked_in=1)
    assert not _ask(desk, asked_in=1)
    assert _ask(desk, asked_in=4)
    texts = [text for _, _, text in desk.mail.sent]
    assert ["please answer again" in text for text in texts] == [False, True, True]


def test_a_question_about_other_journals_or_of_another_day_is_told_anew(desk: Desk) -> None:
    assert _ask(desk)
    assert _ask(desk, body="digest 2")
    assert _ask(desk, day=SettlementDay("acme_us", date(2026, 11, 1)))


def test_a_later_run_that_asks_the_same_tells_it_anew(desk: Desk) -> None:
    assert _ask(desk)
    assert _ask(desk, run="late__1")  # nobody answered the first, and this one waits 20 hours too
    assert not _ask(desk, run="late__1")


def test_a_mail_server_that_is_down_stops_no_question(desk: Desk) -> None:
    desk.mail.is_down = True
    assert not _ask(desk)
    desk.mail.is_down = False
    assert _ask(desk)
