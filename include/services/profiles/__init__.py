"""Stored payments: kept beside the SYSPRO customer, joined, followed, forgotten on both sides."""
