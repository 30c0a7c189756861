"""What the product needs of a shop, and what it writes there."""
