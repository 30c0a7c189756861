"""Joins hooks with services: one set of desks per thread, since a hook belongs to one."""
