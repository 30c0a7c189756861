"""SYSPRO business objects as tables of elements: one module per object, all of one shape.

``schema.py`` says what a document may hold and builds it; ``reply.py`` reads what comes back.
"""
