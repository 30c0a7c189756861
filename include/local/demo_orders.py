"""The demo's second half: orders from checkout to cash, and the settlement that proves them.

Shoppers check out in the sandbox's shops and by the real HTTP API; the DAGs do the work through the
real scheduler; a clerk ships, invoices and credits; an analyst answers in *Required Actions*.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from include.domain.errors import Retryable
from include.domain.order_state import OrderState
from include.local.airflow_api import AirflowApi
from include.local.environment import LocalStack
from include.local.order_stories import (
    OTHER_CARD,
    PROOF,
    SHORT,
    UK,
    People,
    Story,
    make_key,
)
from include.wiring import Settings, Tieout

PATIENCE_S = 240


def _stories() -> list[Story]:
    return [
        Story("good, by the API", "completed", by_api=True),
        Story("good, by the shop", "completed"),
        Story("declined by the bank", "declined", outcome="declined"),
        Story(
            "declined, then paid with another card",
            "completed",
            outcome="declined",
            by_api=True,
            pays_with=OTHER_CARD,
        ),
        Story(
            "refused until the shopper proves whose card it is",
            "completed",
            outcome="sca_required",
            by_api=True,
            pays_with=PROOF,
        ),
        Story("reviewed, then accepted", "completed", outcome="review", answer="Accept"),
        Story("reviewed, then rejected", "cancelled", outcome="review", answer="Reject"),
        Story("out of stock: nothing is taken yet", "booked", shop_id=UK, sku=SHORT),
        Story("refunded in part", "completed", credit="5.00"),
    ]


@dataclass
class OrderDemo:
    """Runs it in two parts, so that a lost answer has its time to settle in between."""

    stack: LocalStack
    api: AirflowApi
    say: Callable[[str], None]
    lost: Story = field(default_factory=lambda: Story("timed out after the commit", "completed"))
    stories: list[Story] = field(default_factory=_stories)

    def begin(self) -> None:
        """Place the order whose answer is lost. Nobody knows yet, and nothing is sent again."""
        self.people = People(self.stack, make_key(self.context))
        self.people.open_shops()
        self.people.control(
            "faults", fault="drop_after_commit", system="cybersource",
            match="POST /pts/v2/payments$", times=1,
        )  # fmt: skip
        placed, number = self.people.place_by_api(self.lost), self.lost.number
        self.say(f"order {number}: the gateway's answer was lost on its way: {placed['state']}")

    @cached_property
    def context(self) -> Tieout:
        return Tieout(Settings.of(self.stack.environment()))

    def play(self) -> None:
        """Let everybody act, and the DAGs work, until each order is where it must end."""
        for story in self.stories:
            if story.by_api:
                state = self.people.place_by_api(story)["state"]
                said = f"order {story.number} by the API, twice under one key, is one order"
                self.say(f"{said}: {state}")
                if story.pays_with:
                    state = self.people.pay_anew(story)["state"]
                    self.say(f"order {story.number} is paid with {story.pays_with}: {state}")
            else:
                self.people.place_in_shop(story)
        numbers = ", ".join(story.number for story in self.stories if not story.by_api)
        self.say(f"shoppers order in the shops: {numbers}")
        self._run("shop_orders")
        self._run("orders")
        self._clerk_credits()
        self._analyst_decides()
        self._wait_for_lost_answer()
        self._run("orders")  # what was decided, and what the lost answer turns out to be
        self._run("erp_feedback")  # the clerks' invoices and the credit note
        self._run("orders")
        self.people.control("settle")  # the day's batch closes

    def _clerk_credits(self) -> None:
        for story in self.stories:
            if story.credit:
                sales_order = self.context.orders.get(story.order_id).facts.sales_order
                self.people.clerk(
                    story.shop_id, "credit", sales_order=sales_order, amount=story.credit,
                    reason="BROKEN",
                )  # fmt: skip
                self.say(f"a clerk credits {story.credit} of order {story.number} in SYSPRO")

    def _analyst_decides(self) -> None:
        """Answer each question of ``review_orders`` as the person in front of the screen would."""
        wanted = {story.number: story.answer for story in self.stories if story.answer}
        run_id = self.api.trigger("review_orders")
        until = time.monotonic() + PATIENCE_S
        while wanted and time.monotonic() < until:
            for question in self.api.questions():
                number = next((n for n in wanted if f"Order {n}," in question["subject"]), None)
                if number:
                    self.say(f"an analyst reads {question['subject']!r}: {wanted[number]}")
                    self.api.answer(question, wanted.pop(number))
            time.sleep(0.5)
        if wanted:
            raise Retryable(
                f"no question about {', '.join(wanted)}", "review_orders", "See its log."
            )
        self._end("review_orders", run_id)

    def _wait_for_lost_answer(self) -> None:
        """Q must pass before anybody may ask what became of a call without an answer."""
        order = self.context.orders.get(self.lost.order_id)
        # Once it is known, the order rests for other reasons, and for hours.
        due = order.next_at if order.state == OrderState.pending else None
        rest = (due - datetime.now(UTC) if due else timedelta()).total_seconds()
        if rest > 0:
            self.say(f"order {self.lost.number} is asked about in {rest:.0f} s")
            time.sleep(rest + 0.5)

    def _run(self, dag_id: str) -> None:
        self._end(dag_id, self.api.trigger(dag_id))

    def _end(self, dag_id: str, run_id: str) -> None:
        state = self.api.wait(dag_id, run_id, PATIENCE_S)
        self.say(f"{dag_id}: {state}")

    def show(self) -> bool:
        """Print each timeline; return whether each ended as it must, and nothing is left."""
        context, is_right = self.context, True
        for story in (self.lost, *self.stories):
            saga = context.orders.get(story.order_id)
            mark = "" if saga.state == story.ends_as else f"  EXPECTED {story.ends_as}"
            is_right &= not mark
            _print(f"\nOrder {story.number}, {story.title}: {saga.state}{mark}")
            for entry in context.orders.timeline(story.order_id):
                _print(f"  {entry.at:%H:%M:%S}  {entry.what:28} {_words(json.loads(entry.detail))}")
            _print(f"  {self.stack.base_url}/tieout/orders/{story.order_id}")
        letters = context.dead_letters.listing()
        _print(f"\nDead letters open: {len(letters)}")
        for letter in letters:
            _print(f"  {letter.kind} {letter.key}: {letter.reason[:110]}")
        return is_right and not letters


def _words(detail: dict[str, Any]) -> str:
    return "  ".join(f"{value}" for value in detail.values() if value not in ("", [], None))[:110]


def _print(line: str) -> None:
    print(line)  # noqa: T201 - the screen is what this command makes
