"""The one protocol for every write to the outside: intend, look, send once, conclude, verify."""
