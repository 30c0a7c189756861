"""How fast and how small: a settlement day of millions of lines beside bare scripts."""
