"""Airflow imports a module of this name in every component; see ``preload``."""

from include.local.preload import preload

preload()
