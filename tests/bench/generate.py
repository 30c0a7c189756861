"""Write one settlement day: a classic PaymentBatchDetail CSV and as many ERP documents.

Seeded and columnar. Of two thousand orders, about one has no document, one has no line, one has a
document of another amount and one is a part of its order, which makes 10,000 open items on a day
of 5 million lines; three in a hundred lines are refunds.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl

DAY = date(2026, 10, 30)
MERCHANT = "acme_us"
_HEAD = (
    f"{MERCHANT},PaymentBatchDetailReport_Daily_Classic,PaymentBatchDetail,1.10,"
    "2026-10-30T04:00:00Z to 2026-10-31T04:00:00Z,,,,,,,\n"
)
_CHUNK = 500_000


@dataclass(frozen=True, slots=True)
class DayFiles:
    """What a run is given."""

    csv: Path
    documents: Path
    lines: int


def generate(folder: Path, lines: int, seed: int = 7) -> DayFiles:
    """Write the day's files, unless they are there from an earlier run."""
    found = DayFiles(folder / f"batch_{lines}.csv", folder / f"documents_{lines}.parquet", lines)
    if found.csv.exists() and found.documents.exists():
        return found
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    parts, documents = found.csv.with_suffix(".part"), []
    with parts.open("wb") as sink:
        sink.write(_HEAD.encode())
        for start in range(0, lines, _CHUNK):
            orders = _orders(rng, start, min(_CHUNK, lines - start))
            _settled(orders).write_csv(sink, include_header=start == 0)
            documents.append(_documents(orders))
    whole = pl.concat(documents)
    whole = whole[rng.permutation(whole.height)]  # the ERP lists in an order of its own
    whole.write_parquet(found.documents, compression="lz4")  # as the product spools them
    parts.replace(found.csv)
    return found


def _orders(rng: np.random.Generator, start: int, count: int) -> pl.DataFrame:
    number = np.arange(start, start + count)
    fate = rng.integers(0, 2000, count)
    seconds = np.sort(rng.integers(0, 86_400, count))
    at = np.datetime64(datetime(2026, 10, 30, 4)) + seconds.astype("timedelta64[s]")  # noqa: DTZ001
    return pl.DataFrame(
        {
            "number": number,
            "fate": fate,
            "minor": rng.integers(100, 95_000, count),
            "is_refund": rng.integers(0, 100, count) < 3,
            "card": rng.choice(["Visa", "MasterCard", "American Express", "Discover"], count),
            "at": at,
            "batch": 20_000_000_000 + number // 250_000,
        }
    ).with_columns(reference=pl.format("US-{}", pl.col("number").cast(pl.String).str.zfill(10)))


def _settled(orders: pl.DataFrame) -> pl.DataFrame:
    is_part = pl.col("fate") == 3
    minor = pl.when(is_part).then(pl.col("minor") // 2 + 1).otherwise("minor")
    amount = pl.format("{}.{}", minor // 100, (minor % 100).cast(pl.String).str.zfill(2))
    request = pl.format("69{}", pl.col("number").cast(pl.String).str.zfill(20))
    return orders.filter(pl.col("fate") != 1).select(
        batch_id="batch",
        merchant_id=pl.lit(MERCHANT),
        batch_date=pl.lit("2026-10-31T03:30:00Z"),
        request_id=request,
        merchant_ref_number="reference",
        TransactionReferenceNumber=pl.col("number") % 90_000_000 + 10_000_000,
        payment_type="card",
        currency=pl.lit("USD"),
        amount=amount,
        ics_applications=pl.when("is_refund")
        .then(pl.lit("ics_credit"))
        .otherwise(pl.lit("ics_bill,ics_auth")),
        status=pl.lit("BATCHED"),
        transaction_date=pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _documents(orders: pl.DataFrame) -> pl.DataFrame:
    is_wrong = pl.col("fate") == 2
    minor = pl.col("minor") + pl.when(is_wrong).then(1_000).otherwise(0)
    kind = pl.when("is_refund")
    letter = kind.then(pl.lit("C")).otherwise(pl.lit("I"))
    customer = pl.format("C{}", (pl.col("number") % 5_000).cast(pl.String).str.zfill(5))
    number = pl.col("number").cast(pl.String).str.zfill(15)
    return orders.filter(pl.col("fate") != 0).select(
        document_id=pl.format("{}|{}|{}", customer, number, letter),
        document_kind=kind.then(pl.lit("refund")).otherwise(pl.lit("sale")),
        merchant_reference="reference",
        currency=pl.lit("USD"),
        amount_minor=kind.then(-minor).otherwise(minor),
        document_date=pl.lit(DAY),
        sales_order=pl.format("5{}", pl.col("number").cast(pl.String).str.zfill(14)),
    )
