"""A play per module: its sandbox, its store, the connections that the demo has; one Airflow."""

from tests.integration.play import play as play
from tests.integration.running import api as api
from tests.integration.running import stack as stack
