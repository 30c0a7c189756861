"""Tieout inside Airflow: hooks, steps, pages. A package the plugin loader ignores (.airflowignore).

The loader would register each file under its stem and import its classes twice.
"""
