"""One way out: every call to a vendor goes through ``HttpTransport.exchange``.

Why not a bare client: ADR 0003. Source: reliability reference, findings F1, F12 and F13.
"""
