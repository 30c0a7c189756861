"""The wire between a life and the remote: faults are drawn and counted here."""

import random
from typing import TYPE_CHECKING

from include.services.effects.boundaries import Boundary
from include.services.effects.departure import depart
from include.services.effects.ports import Effect, EffectState
from tests.simulator.remote import Call, Entry

if TYPE_CHECKING:
    from tests.simulator.world import World

DEADLINE = 60.0
LATEST_COMMIT = 240.0  # after the call began; the environment's promise that Q is built on
LAG = 20.0
FREEZE = 58.0  # the index stands still for less than the look gap
PREPARES = (60.0, 700.0)  # before the first byte, where the operator is taken and slow
CERTAIN = ("connect", "429", "refused for good")


class NotSent(Exception):
    """The connection was never made."""


class NoAnswer(Exception):
    """The request left, and nothing came back."""


class Wire:
    """Carries calls of the lives of one world to its remote."""

    def __init__(self, world: "World", dice: random.Random) -> None:
        self._world = world
        self._dice = dice

    def send(self, effect: Effect) -> tuple[int, str]:
        """Carry one write; return status and body.

        Raises:
            NotSent: certainly nothing left.
            NoAnswer: anything may have happened.
        """
        world, hub, remote = self._world, self._world.hub, self._world.remote
        effect = effect.but(sends=effect.sends + 1)  # this one
        position = "first send" if effect.sends == 1 else "resend"
        fault = self._draw(position, world.swarm.send)
        if fault == "element dropped" and world.is_altered(effect.digest):
            fault = ""
        self._prepare(position)
        if fault == "connect":
            raise NotSent
        depart()
        world.observe_send(effect)
        began = hub.seconds
        call = Call(began, effect.reference, fault in CERTAIN)
        remote.calls[effect.digest].append(call)
        world.pass_boundary(Boundary.half_sent)
        answer = self._deliver(effect, fault, began, position)
        world.pass_boundary(Boundary.remote_committed)
        status, body = self._answer(fault, answer)
        call.is_certainly_nothing |= status == 200 and "period" in body
        return status, body

    def search(self, effect: Effect) -> tuple[int, list[Entry]]:
        """Carry one query; a status other than 200 carries nothing.

        Raises:
            NotSent, NoAnswer: nothing was learned.
        """
        world, hub = self._world, self._world.hub
        position = _look_position(effect)
        outage = world.remote.outage
        if outage[0] <= hub.seconds < outage[1] and position == "look in doubt":
            world.coverage["long outage", position] += 1
            hub.sleep(3)
            raise NotSent
        fault = self._draw(position, world.swarm.look) if position else ""
        hub.sleep(DEADLINE if fault == "timeout" else self._dice.uniform(0.05, 2))
        if fault == "connect":
            raise NotSent
        if fault in ("timeout", "reset"):
            raise NoAnswer
        if fault:
            return _STATUS[fault], []
        entries, why_less = world.remote.search(effect.reference, hub.seconds)
        if why_less:
            world.coverage[why_less, position] += 1
        return 200, entries

    def _prepare(self, position: str) -> None:
        """Let time pass before the first byte: the turn at the operator, logon, period."""
        world = self._world
        is_slow = not world.is_calm and self._dice.random() < 0.1
        world.coverage["slow to leave", position] += is_slow
        world.hub.sleep(self._dice.uniform(*(PREPARES if is_slow else (0.05, 3))))

    def _deliver(self, effect: Effect, fault: str, began: float, position: str) -> str:
        world, hub, remote, dice = self._world, self._world.hub, self._world.remote, self._dice
        lag = dice.uniform(0, LAG)
        world.coverage["index lag", position] += lag > LAG / 2
        if fault.endswith("nothing done") or fault == "429":
            return ""
        if fault == "refused for good":
            return "ERROR account does not exist"
        if fault == "late commit":
            # The latest commit with the longest lag is the dangerous one, above all in a stall.
            at = began + dice.uniform(60, LATEST_COMMIT)
            if world.swarm.freezes or dice.random() < 0.5:
                at, lag = began + dice.uniform(230, LATEST_COMMIT), dice.uniform(15, LAG)

            def arrive() -> None:
                remote.pending[effect.digest] -= 1
                remote.execute(effect, hub.seconds, lag)

            remote.pending[effect.digest] += 1
            hub.call_at(max(at, hub.seconds), arrive)
            if world.swarm.freezes:
                # The index stalls just as it should learn of this commit: the worst moment.
                begin = max(at, hub.seconds) + lag - 0.1
                remote.freezes += ((begin, begin + dice.uniform(50, FREEZE)),)
            return ""
        answer = remote.execute(
            effect,
            hub.seconds,
            lag,
            drops_element=fault == "element dropped",
            is_silent=dice.random() < 0.3,
        )
        if "period" in answer:
            world.coverage["closed period", position] += 1
        if fault == "network duplicate":
            answer = self._deliver_again(effect, began, answer, position)
        return answer

    def _deliver_again(self, effect: Effect, began: float, answer: str, position: str) -> str:
        """The network delivers the request twice: later, or at once with the second's answer."""
        world, hub, remote = self._world, self._world.hub, self._world.remote
        lag = self._dice.uniform(0, LAG)
        if self._dice.random() < 0.5:
            second = remote.execute(effect, hub.seconds, lag, is_second=True)
            if "duplicate" in second:
                world.coverage["second delivery refused", position] += 1
            return second if "period" not in answer else answer
        at = max(hub.seconds, began + self._dice.uniform(1, LATEST_COMMIT))
        hub.call_at(at, lambda: _discard(remote.execute(effect, hub.seconds, lag, is_second=True)))
        return answer

    def _answer(self, fault: str, answer: str) -> tuple[int, str]:
        name = fault.partition(",")[0]
        if name in ("timeout", "late commit"):
            self._world.hub.sleep(DEADLINE)
            raise NoAnswer
        self._world.hub.sleep(self._dice.uniform(0.05, 2))
        if name == "reset":
            raise NoAnswer
        if name == "garbage 2xx":
            return 200, self._dice.choice(("<html>Log on</html>", "", "<GenJournal/>", "O"))
        if name == "session lost":
            return 200, "ERROR session is not valid"
        return _STATUS.get(name, 200), answer

    def _draw(self, position: str, mixture: tuple[tuple[str, ...], tuple[float, ...]]) -> str:
        world = self._world
        world.calls += 1
        if world.is_calm or self._dice.random() >= world.swarm.rate:
            return ""
        fault = self._dice.choices(mixture[0], mixture[1])[0]
        world.faulted += 1
        world.coverage[fault, position] += 1
        return fault


_STATUS = {"5xx": 502, "429": 429, "redirect": 302, "garbage 2xx": 299, "session lost": 298}


def _look_position(effect: Effect) -> str:
    if effect.state is EffectState.done:
        return "look to verify"
    if effect.state is EffectState.in_doubt:
        return "look in doubt"
    if effect.state in (EffectState.intended, EffectState.parked):
        return "look before send"
    return ""  # a person looks again, in the calm


def _discard(_answer: str) -> None:
    """Nobody hears the answer to a second delivery."""
