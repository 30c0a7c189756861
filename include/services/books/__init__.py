"""The books: class sums per batch, journals from templates, restatement and conservation."""
