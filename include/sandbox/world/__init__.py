"""A seeded world of trade, its faults and the truth about them."""

from include.sandbox.world.facts import MERCHANTS, MerchantFacts, ReportFacts
from include.sandbox.world.model import LABELS, Label
from include.sandbox.world.world import World

__all__ = ["LABELS", "MERCHANTS", "Label", "MerchantFacts", "ReportFacts", "World"]
