"""The rooms of ``python -m tieout.cli``: one module each, with ``add`` to hang its commands up."""
