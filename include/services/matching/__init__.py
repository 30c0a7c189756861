"""Matching settlement lines with ERP documents: one rule a module, exceptions explained."""
