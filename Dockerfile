# The official image has the matching Python in its tag; the lock installs on 3.11 to 3.13.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:root requirements.txt /opt/airflow/requirements.txt
RUN pip install --no-cache-dir --require-hashes --no-deps -r /opt/airflow/requirements.txt

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root airflow_settings.yaml /opt/airflow/airflow_settings.yaml
COPY --chown=airflow:root include/local/airflow_local_settings.py /opt/airflow/config/airflow_local_settings.py

ENV PYTHONPATH=/opt/airflow:/opt/airflow/plugins \
    GX_ANALYTICS_ENABLED=false
