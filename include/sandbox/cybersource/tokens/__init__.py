"""Token management (TMS): customers, payment instruments, identifiers and addresses."""
