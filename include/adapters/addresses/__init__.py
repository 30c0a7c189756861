"""Addresses: national formats in, SYSPRO's five lines out."""

from include.adapters.addresses.postal import PostalAddresses

__all__ = ["PostalAddresses"]
