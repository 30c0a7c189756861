"""The files of a settlement day in the lake, by name: who writes them and who reads them agree."""

# By classify.
LINES, QUARANTINE, ENTRIES = "lines.parquet", "quarantine.parquet", "bank_entries.parquet"
# By match.
DOCUMENTS, MATCHES, EXPLAINED = "documents.parquet", "matches.parquet", "explained.parquet"
