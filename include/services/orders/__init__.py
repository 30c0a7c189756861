"""Order to cash: a saga per order, a saga per refund, and what moves them."""
