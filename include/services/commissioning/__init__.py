"""Measuring at the vendors' test accounts what no public source says of them."""
