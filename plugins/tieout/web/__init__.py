"""The settlement pages inside Airflow's UI. Read only: every write goes through a DAG."""
