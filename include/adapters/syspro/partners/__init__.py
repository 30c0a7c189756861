"""The three kinds of write to SYSPRO, each with its look, send and compare."""
