"""What the gateway says about exceptions; asked once per request and a limited number of times."""

from include.services.matching.ports import Gateway
from include.services.ports import TransactionFacts

MAX_QUESTIONS = 500  # per run; what is beyond is named as undecided, never guessed


class Evidence:
    """Transaction look-ups with a memory and a ceiling. Faults of transport pass through."""

    def __init__(self, gateway: Gateway | None) -> None:
        self._gateway = gateway
        self._left = MAX_QUESTIONS
        self._known: dict[str, TransactionFacts | None] = {}

    def facts(self, request_id: str | None) -> TransactionFacts | None:
        """Return what the gateway knows; ``None``: not asked, or it does not say."""
        if self._gateway is None or not request_id:
            return None
        if request_id not in self._known:
            if self._left <= 0:
                return None
            self._left -= 1
            self._known[request_id] = self._gateway.transaction(request_id)
        return self._known[request_id]
