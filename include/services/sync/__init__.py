"""Polling: what a lost webhook would have told, found again on a watermark with overlap."""
