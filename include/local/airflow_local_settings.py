"""Airflow imports a module of this name in every component; see ``preload``."""

from include.preload import preload

preload()
