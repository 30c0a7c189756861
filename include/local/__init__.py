"""Run the whole of Tieout on one machine: Airflow, the sandbox, the demo."""
