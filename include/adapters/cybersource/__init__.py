"""Cybersource REST, spoken directly: signatures, reporting and transaction search.

Without the vendor's SDK, which has no time-out and replaces urllib3 (finding F11).
"""
