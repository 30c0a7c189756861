"""Every file layout, by name. Declarations only; ``reading`` runs them over files."""

from include.adapters.layouts import (
    acquirer_daily_v2,
    bai2,
    bank_csv,
    camt_053,
    chargeback_and_retrieval_detail_csv,
    chargeback_details_json,
    deposit_detail_csv,
    fee_detail_csv,
    fee_summary_csv,
    funding_detail_csv,
    interchange_clearing_level_details_json,
    net_fundings_json,
    payment_batch_detail_classic_csv,
    payment_batch_detail_legacy_csv,
    payment_batch_detail_xml,
    processor_settlement_detail_csv,
    purchase_refund_details_json,
    retrieval_details_json,
)
from include.adapters.layouts.shape import Layout
from include.domain.errors import Rejected

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        payment_batch_detail_classic_csv.LAYOUT,
        payment_batch_detail_classic_csv.SIGNED,
        payment_batch_detail_legacy_csv.LAYOUT,
        payment_batch_detail_xml.LAYOUT,
        payment_batch_detail_xml.UNSIGNED,
        fee_detail_csv.LAYOUT,
        fee_summary_csv.LAYOUT,
        chargeback_and_retrieval_detail_csv.LAYOUT,
        chargeback_and_retrieval_detail_csv.UNSIGNED,
        funding_detail_csv.LAYOUT,
        deposit_detail_csv.LAYOUT,
        processor_settlement_detail_csv.LAYOUT,
        processor_settlement_detail_csv.UNSIGNED,
        chargeback_details_json.LAYOUT,
        chargeback_details_json.PLUS_TAKEN,
        retrieval_details_json.LAYOUT,
        purchase_refund_details_json.LAYOUT,
        net_fundings_json.LAYOUT,
        net_fundings_json.UNSIGNED,
        interchange_clearing_level_details_json.LAYOUT,
        acquirer_daily_v2.LAYOUT,
        camt_053.LAYOUT,
        bai2.LAYOUT,
        bank_csv.LAYOUT,
    )
}


def layout_named(name: str) -> Layout:
    """Return a layout.

    Raises:
        Rejected: no layout has that name.
    """
    if name not in LAYOUTS:
        raise Rejected(
            f"layout {name!r} is not known",
            "merchants.yaml, sources",
            f"Use one of: {', '.join(sorted(LAYOUTS))}.",
        )
    return LAYOUTS[name]
