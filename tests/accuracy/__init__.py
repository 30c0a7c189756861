"""Does the product name every planted fault? A labelled quarter, over HTTP, judged by the truth."""
