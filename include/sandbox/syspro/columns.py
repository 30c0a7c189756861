"""Which columns the tables have, which are keys, and which are found without a scan.

Names are SYSPRO's where the reference's ``sql-columns.tsv`` has them; those of ArPayHistory,
ArInvoicePay, ArCustomerBal, BomStructure, InvMaster, InvPrice, MdnMaster, MdnDetail and TblCurrency
are ours beyond the few it shows; the last one's are the elements of IMPSCU.
"""

from include.sandbox.syspro.order_columns import AR_INVOICE, SOR_DETAIL, SOR_MASTER

KEY_WIDTHS = {"Customer": 15, "Invoice": 15, "SalesOrder": 15, "Supplier": 15}
DATED = {"ArInvoice": "InvoiceDate", "SorMaster": "OrderDate"}  # table to the column days go by

INDEXED: dict[str, tuple[str, ...]] = {
    "ArCustomer": ("Customer",),
    "ArCustomerBal": ("Customer",),
    "ArInvoice": ("Invoice", "CustomerPoNumber", "SalesOrder", "Customer"),
    "ArInvoicePay": ("Invoice", "Customer", "Reference"),
    "ArPayHistory": ("Customer", "Reference"),
    "ArTrnDetail": ("Invoice", "SalesOrder"),
    "BomStructure": ("ParentPart",),
    "CshArPayments": ("Customer", "Invoice"),
    "GenJournalCtl": ("GlJournal", "Reference"),
    "GenJournalDetail": ("Journal", "Reference"),
    "GenMaster": ("GlCode",),
    "InvMaster": ("StockCode",),
    "InvPrice": ("StockCode",),
    "InvWarehouse": ("StockCode",),
    "MdnDetail": ("DispatchNote", "SalesOrder"),
    "MdnMaster": ("DispatchNote", "SalesOrder", "CustomerPoNumber"),
    "SorDetail": ("SalesOrder", "MCreditOrderNo"),
    "SorMaster": ("SalesOrder", "CustomerPoNumber", "Customer", "LastInvoice"),
    "TblCurrency": ("Currency",),
    "ArCustomer+": ("Customer",),
    "SorMaster+": ("SalesOrder",),
}

# Asked for before the first row exists, a table still has its columns.
COLUMNS = {
    "ArInvoice": AR_INVOICE,
    "SorMaster": SOR_MASTER,
    "SorDetail": SOR_DETAIL,
    "ArCustomer": "Customer Name ShortName ExemptFinChg CreditStatus CreditLimit Salesperson "
    "Currency CustomerOnHold TermsCode Branch Area TaxStatus TaxExemptNumber Telephone Contact "
    "Email SoldToAddr1 SoldToAddr2 SoldToAddr3 SoldToAddr4 SoldToAddr5 SoldPostalCode ShipToAddr1 "
    "ShipToAddr2 ShipToAddr3 ShipToAddr4 ShipToAddr5 ShipPostalCode State Nationality UserField1 "
    "UserField2 SalesWarehouse ShippingInstrs SpecialInstrs DateCustAdded DateLastSale DateLastPay "
    "OutstOrdVal NumOutstOrd InvoiceCount HighestBalance PaymentStatus",
    "ArCustomerBal": "Customer CurrentBalance1",
    "ArInvoicePay": "Customer Invoice DocumentType EntryNumber TrnYear TrnMonth Journal "
    "JournalDate Reference TrnValue DiscValue",
    "ArPayHistory": "Customer PaymYear PaymMonth Journal EntryNumber Reference PayDate PayValue "
    "Currency Bank PaymentType PaymentNarration JournalNotation",
    "ArTrnDetail": "TrnYear TrnMonth Register Invoice SummaryLine DetailLine InvoiceDate Branch "
    "Salesperson Customer StockCode Warehouse Area ProductClass TaxCode TaxStatus QtyInvoiced "
    "NetSalesValue TaxValue DiscValue LineType DocumentType GlYear GlPeriod GlJournal SalesOrder "
    "SalesOrderLine CustomerPoNumber PostValue PostCurrency",
    "CshArPayments": "Bank CbTrnDate Customer Invoice DocumentType GrossPayment DiscountAllowed "
    "NetPayment PaymentNumber",
    "ApSupplier": "Supplier SupplierName Currency",
    "CshBank": "Bank Description Currency",
    "GenMaster": "Company GlCode Description AccountType GlGroup CurrentBalance PtdDrValue "
    "PtdCrValue ControlAccFlag AccOnHldFlag",
    "GenJournalCtl": "GlYear GlPeriod GlJournal JournalDate NumOfEntries DebitAmount CreditAmount "
    "JnlPostingType Source Operator JnlStatus Reference Notation Authorised AuthorisedBy PostedBy "
    "PostDate JournalSource",
    "GenJournalDetail": "Journal GlYear GlPeriod EntryNumber EntryType GlCode Reference Comment "
    "EntryValue EntryDate EntryPosted InterCompanyFlag Company CurrencyValue PostCurrency Source "
    "Type SubModJournal TransactionDate",
    "ApInvoice": "Supplier Invoice OrigInvValue MthInvBal1 MthInvBal2 MthInvBal3 InvoiceDate "
    "Reference Journal Currency",
    "BomStructure": "ParentPart Route SequenceNum Component QtyPer SoOptionFlag",
    "InvMaster": "StockCode Description LongDesc StockUom AlternateUom ConvFactAltUom ConvMulDiv "
    "OtherUom ConvFactOthUom MulDiv ProductClass TaxCode KitType Mass "
    "WarehouseToUse ListPriceCode StockOnHold",
    "InvPrice": "StockCode PriceCode SellingPrice PriceBasis",
    "InvWarehouse": "StockCode Warehouse QtyOnHand QtyAllocated QtyOnOrder QtyOnBackOrder "
    "QtyDispatched UnitCost DefaultBin",
    "MdnMaster": "DispatchNote DispatchNoteStatus Invoice SalesOrder Customer CustomerName "
    "CustomerPoNumber Branch PlannedDeliverDate ShippingInstrs SpecialInstrs DispatchCustName "
    "DispatchAddress1 DispatchAddress2 DispatchAddress3 DispatchAddress4 DispatchAddress5 "
    "DispatchPostalCode DispatchComments1 NextDetailLine",
    "MdnDetail": "DispatchNote DispatchNoteLine SalesOrder SalesOrderLine LineType MStockCode "
    "MStockDes MWarehouse MQtyToDispatch Invoice",
    "SalBranch": "Branch Description",
    "SalArea": "Area Description",
    "SalSalesperson": "Branch Salesperson Name",
    "TblArTerms": "TermsCode Description",
    "TblCurrency": "Currency Description BuyExchangeRate BuyMulDiv SellExchangeRate SellMulDiv",
    "ArCustomer+": "Customer Token TmsCustomer TokenDate",
    "SorMaster+": "SalesOrder PayRef RefRef Decision TrackingNumber CapturedAmount CaptureDate",
}
