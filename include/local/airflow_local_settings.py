"""Airflow imports a module of this name in every component; see ``preload``."""

from include.adapters.quality.preload import preload

preload()
