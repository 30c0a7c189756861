"""What only a store that was put back shows: that nobody looks at what it may have forgotten."""

from typing import Any

from include.adapters.store.trust import StoreTrust
from tests.prove.world import Variant


class WitnessIsIgnored(StoreTrust):
    """Whatever the lake says, a store that does not doubt itself is believed."""

    def witness(self) -> dict[str, Any]:
        return {}


class SendsAllTheSame(StoreTrust):
    """The letter is open, and every write is sent as if nothing could be there."""

    def is_doubted(self) -> bool:
        return False


FORGETTING_MUTANTS = (
    Variant("r1 the witness in the lake is ignored", trust=WitnessIsIgnored, put_back_one_in=1),
    Variant("r2 a doubted store looks for nothing", trust=SendsAllTheSame, put_back_one_in=1),
)
