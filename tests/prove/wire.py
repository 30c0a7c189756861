"""The wire between a life and the other sides: every fault of a call is drawn and counted here."""

import random
from typing import TYPE_CHECKING

from include.services.effects.boundaries import Boundary
from include.services.effects.departure import depart
from include.services.effects.ports import Effect, EffectState
from tests.prove.faults import (
    AT_ERP,
    CODES,
    FOCUS_RATE,
    NOTHING_DONE,
    READ_FAULTS,
    SEND_FAULTS,
    applies,
)
from tests.prove.truth import Answer, Entry
from tests.simulator.network import NoAnswer, NotSent

if TYPE_CHECKING:
    from tests.prove.world import World

DEADLINE = 60.0
PREPARES = (60.0, 700.0)  # SYSPRO's operator is taken, its logon slow, its period asked for
LATEST_COMMIT = 240.0  # after the first byte left: the promise that Q is built on
LAG = 20.0
FREEZE = 58.0  # the index stands still for less than the look gap
SLOW_TO_LEAVE = 0.1
_STATUS = {"5xx": 502, "429": 429, "401": 401, "redirect": 302, "refused for good": 400}
_BROKEN = ("garbage 2xx", "truncated")


class Wire:
    """Carries the calls of one world's lives."""

    def __init__(self, world: "World", dice: random.Random) -> None:
        self._world = world
        self._dice = dice

    def send(self, effect: Effect) -> tuple[int, Answer | None]:
        """Carry one write; ``None`` is a body that cannot be read.

        Raises:
            NotSent: certainly nothing left.
            NoAnswer: anything may have happened.
        """
        world, hub, code = self._world, self._world.hub, CODES[effect.kind]
        effect = effect.but(sends=effect.sends + 1)  # this one
        position = "first send" if effect.sends == 1 else "resend"
        fault = self._draw_send(effect, code, position)
        self._prepare(code, position)
        if fault == "connect":
            raise NotSent
        depart()
        began = hub.seconds
        call = world.note_send(effect, fault)
        world.pass_boundary(Boundary.half_sent)
        answer = self._deliver(effect, fault, began, (code, position))
        world.pass_boundary(Boundary.remote_committed)
        call.is_certainly_nothing |= answer.word in ("closed", "refused")
        return self._answer(fault, answer, code)

    def look(self, effect: Effect) -> tuple[int, list[Entry]]:
        """Carry one search; a status other than 200 carries nothing.

        Raises:
            NotSent, NoAnswer: nothing was learned.
        """
        world, code = self._world, CODES[effect.kind]
        position = _look_position(effect)
        if position == "look in doubt" and world.is_down():
            world.coverage["long outage", code, position] += 1
            world.hub.sleep(3)
            raise NotSent
        status = self.read(code, position)
        if status != 200:
            return status, []
        entries = world.truth.shown(effect)
        known_until = world.index_knows_until()
        visible = [one for one in entries if one.visible_at <= known_until]
        if len(visible) < len(entries):
            world.coverage["stale look", code, position] += 1
        return 200, visible

    def read(self, code: str, position: str) -> int:
        """Carry any read; return its status.

        Raises:
            NotSent, NoAnswer: nothing was learned.
        """
        fault = self._draw(code, position, self._world.swarm.read) if position else ""
        self._world.hub.sleep(DEADLINE if fault == "timeout" else self._dice.uniform(0.05, 2))
        if fault == "connect":
            raise NotSent
        if fault in ("timeout", "reset"):
            raise NoAnswer
        return 299 if fault in _BROKEN else _STATUS.get(fault, 200)

    # Parts -----------------------------------------------------------------------------------

    def _prepare(self, code: str, position: str) -> None:
        """Let time pass before the first byte; at SYSPRO it may be minutes."""
        world, dice = self._world, self._dice
        is_slow = code in AT_ERP and not world.is_calm and dice.random() < SLOW_TO_LEAVE
        world.coverage["slow to leave", code, position] += is_slow
        world.hub.sleep(dice.uniform(*(PREPARES if is_slow else (0.05, 3))))

    def _draw_send(self, effect: Effect, code: str, position: str) -> str:
        world = self._world
        fault = self._draw(code, position, world.swarm.send, is_send=True)
        if fault == "element dropped" and world.is_under_way(effect):
            world.coverage[fault, code, position] -= 1
            world.faulted -= 1
            return ""
        return fault

    def _draw(
        self,
        code: str,
        position: str,
        mixture: tuple[tuple[str, ...], tuple[float, ...]],
        *,
        is_send: bool = False,
    ) -> str:
        world = self._world
        world.calls += 1
        in_focus = code == world.swarm.focus
        if world.is_calm or self._dice.random() >= (FOCUS_RATE if in_focus else world.swarm.rate):
            return ""
        if in_focus:
            fault = self._dice.choice(self._focused(position) if is_send else READ_FAULTS)
        else:
            fault = self._dice.choices(mixture[0], mixture[1])[0]
        if is_send and not applies(fault, code):
            fault = "timeout, committed"
        world.faulted += 1
        world.coverage[fault, code, position] += 1
        return fault

    def _focused(self, position: str) -> tuple[str, ...]:
        """Only a send that did nothing is followed by another: have enough of them."""
        is_first = position == "first send" and self._dice.random() < 0.5
        return NOTHING_DONE if is_first else SEND_FAULTS

    def _deliver(self, effect: Effect, fault: str, began: float, cell: tuple[str, str]) -> Answer:
        world, dice = self._world, self._dice
        lag = dice.uniform(0, LAG)
        world.coverage["index lag", cell[0], cell[1]] += lag > LAG / 2
        if fault.endswith("nothing done") or fault in ("429", "401", "refused for good"):
            return Answer("nothing")
        if fault == "late commit":
            self._deliver_late(effect, began, lag)
            return Answer("nothing")
        answer = world.execute(effect, lag, drops_element=fault == "element dropped")
        if answer.word == "closed":
            world.coverage["closed period", cell[0], cell[1]] += 1
        if fault == "network duplicate":
            answer = self._deliver_again(effect, began, answer)
        return answer

    def _deliver_late(self, effect: Effect, began: float, lag: float) -> None:
        """The latest commit with the longest lag is the dangerous one, above all in a stall."""
        world, dice = self._world, self._dice
        at = began + dice.uniform(60, LATEST_COMMIT)
        if world.swarm.freezes or dice.random() < 0.5:
            at, lag = began + dice.uniform(230, LATEST_COMMIT), dice.uniform(15, LAG)

        def arrive() -> None:
            world.pending[effect.digest] -= 1
            world.execute(effect, lag)

        world.pending[effect.digest] += 1
        world.hub.call_at(max(at, world.hub.seconds), arrive)
        if world.swarm.freezes:
            # The index stalls just as it should learn of this commit: the worst moment.
            begin = max(at, world.hub.seconds) + lag - 0.1
            world.freezes.append((begin, begin + dice.uniform(50, FREEZE)))

    def _deliver_again(self, effect: Effect, began: float, answer: Answer) -> Answer:
        """The network delivers the request twice: later, or at once with the second's answer."""
        world, hub, dice = self._world, self._world.hub, self._dice
        lag = dice.uniform(0, LAG)
        if dice.random() < 0.5:
            second = world.execute(effect, lag, is_second=True)
            is_plain = second.word in ("yes", "no") or (
                second.word == "duplicate" and world.truth.has_guards
            )
            return second if is_plain and answer.word == "yes" else answer
        at = max(hub.seconds, began + dice.uniform(1, LATEST_COMMIT))
        hub.call_at(at, lambda: _discard(world.execute(effect, lag, is_second=True)))
        return answer

    def _answer(self, fault: str, answer: Answer, code: str) -> tuple[int, Answer | None]:
        name = fault.partition(",")[0]
        if name in ("timeout", "late commit", "slow drip"):
            self._world.hub.sleep(DEADLINE)
            raise NoAnswer
        self._world.hub.sleep(self._dice.uniform(0.05, 2))
        if name == "reset":
            raise NoAnswer
        if name in _BROKEN:
            return 200, None
        if name == "session lost":
            return 298 if code in AT_ERP else 401, None
        return _STATUS.get(name, 200), answer


def _look_position(effect: Effect) -> str:
    if effect.state is EffectState.done:
        return "look to verify"
    if effect.state is EffectState.in_doubt:
        return "look in doubt"
    if effect.state in (EffectState.intended, EffectState.parked):
        return "look before send"
    return ""  # a person looks again, in the calm


def _discard(_answer: Answer) -> None:
    """Nobody hears the answer to a second delivery."""
