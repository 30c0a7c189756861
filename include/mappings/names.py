"""The merchants' ids alone, cheap enough for a DAG file to read while it is parsed."""

from pathlib import Path

import yaml


def merchant_ids() -> list[str]:
    """Return the ids in ``merchants.yaml``; the full check is ``load.load_mappings``."""
    text = Path(__file__).with_name("merchants.yaml").read_text(encoding="utf-8")
    found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return sorted({entry["merchant_id"] for entry in found["merchants"]})
