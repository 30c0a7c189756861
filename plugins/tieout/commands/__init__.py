"""The commands of ``python -m tieout.cli``: one module each, with ``add`` to hang them up."""
