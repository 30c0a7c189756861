"""Columns of the order tables, and of the AR documents that come of orders."""

AR_INVOICE = (
    "Customer Invoice DocumentType InvoiceDate CurrencyValue PostCurrency CustomerPoNumber "
    "SalesOrder InvoiceBal1 Branch TermsCode Area Salesperson InvoiceYear InvoiceMonth AccountCur "
    "OrigDiscValue TaxPortion LastDelNote NextPaymEntry"
)
SOR_MASTER = (
    "SalesOrder Customer CustomerPoNumber OrderDate OrderStatus Currency ActiveFlag CancelledFlag "
    "DocumentType CustomerName Salesperson EntrySystemDate ReqShipDate ShippingInstrs "
    "SpecialInstrs InvTermsOverride CreditAuthority Branch Area OrderType DiscPct1 DiscPct2 "
    "DiscPct3 ShipAddress1 ShipAddress2 ShipAddress3 ShipAddress4 ShipAddress5 ShipPostalCode "
    "State Nationality Email Warehouse TaxExemptFlag TaxExemptNumber LastInvoice DateLastInvPrt "
    "LastDelNote DeliveryNote NumDispatches DispatchesMade EntInvoice InvoiceCount NextDetailLine "
    "NonMerchFlag ExchangeRate Operator LastOperator OrderStatusFail"
)
SOR_DETAIL = (
    "SalesOrder SalesOrderLine LineType MStockCode MStockDes MWarehouse MOrderQty MShipQty "
    "MBackOrderQty MQtyDispatched MUnitCost MOrderUom MStockingUom MPrice MPriceUom MPriceCode "
    "MDiscPct1 MDiscPct2 MDiscPct3 MDiscValue MDiscValFlag MProductClass MTaxCode MLineShipDate "
    "MCustRequestDat MCusSupStkCode MUserDef MParentKitType MBomFlag MQtyPer MConvFactOrdUm "
    "MInvoicePrinted MCreditOrderNo "
    "MCreditOrderLine CreditReason NComment NCommentFromLin NMscChargeValue NMscChargeCost "
    "NMscChargeQty NMscProductCls NMscTaxCode NChargeCode NMscInvCharge SalesOrderDetStat"
)
