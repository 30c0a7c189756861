"""The API below a prefix of another application, as Airflow's API server mounts it."""

import json

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.api.conftest import Kit, order_body


def test_a_mounted_api_names_its_own_address_of_a_new_order(kit: Kit) -> None:
    outer = FastAPI()
    outer.mount("/tieout-api", kit.app)
    body = order_body()
    answer = TestClient(outer).post(
        "/tieout-api/v1/orders",
        content=json.dumps(body),
        headers={
            "Authorization": f"Bearer {kit.keys['web_shop']}",
            "Idempotency-Key": "mounted-1",
            "Content-Type": "application/json",
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/tieout-api/v1/orders/{answer.json()['order_id']}"
