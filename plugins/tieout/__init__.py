"""Tieout inside Airflow: hooks, tasks, pages. A package the plugin loader ignores (.airflowignore).

The loader would register each file under its stem and import its classes twice.
"""
