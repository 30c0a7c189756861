"""Cybersource REST, spoken directly: payments, decisions, tokens, webhooks, reports, search.

Without the vendor's SDK, which has no time-out and replaces urllib3 (finding F11). Writes leave
through ``partners`` alone, under the effects engine; everything else here reads.
"""
