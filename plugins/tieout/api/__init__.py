"""The real-time API and the webhook receivers. Airflow protects nothing here: every route does."""
