"""Shops over HTTP: WooCommerce, any JSON shop declared by a shape, and signed callbacks."""
