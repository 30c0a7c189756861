"""The nightly comparison: gateway, our orders and SYSPRO, each held against the others."""
