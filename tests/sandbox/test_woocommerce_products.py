"""Products, customers and shoppers of the sandbox's WooCommerce."""

from tests.sandbox.shopping import Shops
from tests.sandbox.support import woo_shop as woo_shop


def test_stock_falls_with_an_order_and_returns_with_its_cancellation(shop: Shops) -> None:
    shop.stock(A100=3)

    def stock() -> tuple[int, str]:
        row = shop.api.get("products", params={"sku": "A100"}).json()[0]
        return row["stock_quantity"], row["stock_status"]

    order = shop.order(lines=[{"sku": "A100", "quantity": 3}])
    assert stock() == (0, "outofstock")
    shop.control("shop_cancel_order", order=order["id"])
    shop.control("shop_cancel_order", order=order["id"])
    assert stock() == (3, "instock")


def test_a_quantity_counts_only_with_stock_management(shop: Shops) -> None:
    made = shop.api.post("products", {"sku": "N1", "regular_price": "1", "stock_quantity": 5})
    assert made.json()["stock_quantity"] is None
    path = f"products/{made.json()['id']}"
    found = shop.api.put(path, {"manage_stock": True, "stock_quantity": 5}).json()
    assert (found["stock_quantity"], found["stock_status"]) == (5, "instock")
    assert shop.api.put(path, {"stock_quantity": "many"}).status_code == 400
    twice = shop.api.post("products", {"sku": "N1"})
    assert (twice.status_code, twice.json()["code"]) == (400, "product_invalid_sku")


def test_a_batch_answers_each_item_by_itself(shop: Shops) -> None:
    shop.stock(A100=1)
    number = shop.api.get("products", params={"sku": "A100"}).json()[0]["id"]
    found = shop.api.post(
        "products/batch",
        {
            "update": [{"id": number, "stock_quantity": 9}, {"id": 7, "stock_quantity": 9}],
            "create": [{"sku": "NEW", "regular_price": "2"}],
        },
    ).json()
    assert found["update"][0]["stock_quantity"] == 9
    assert found["update"][1]["error"]["data"] == {"status": 404}
    assert found["create"][0]["sku"] == "NEW"
    many = shop.api.post("products/batch", {"create": [{"sku": str(n)} for n in range(101)]})
    assert many.status_code == 413


def test_variations_are_listed_below_their_product(shop: Shops) -> None:
    parent = shop.api.post("products", {"sku": "P", "type": "variable"}).json()["id"]
    part = shop.api.post("products", {"sku": "P-RED", "type": "variation", "parent_id": parent})
    path = f"products/{parent}/variations"
    assert [row["sku"] for row in shop.api.get(path).json()] == ["P-RED"]
    one = f"{path}/{part.json()['id']}"
    found = shop.api.put(one, {"manage_stock": True, "stock_quantity": 4}).json()
    assert found["stock_quantity"] == shop.api.get(one).json()["stock_quantity"] == 4
    assert shop.api.get(f"{path}/{parent}").status_code == 404
    assert [row["sku"] for row in shop.api.get("products").json()] == ["P"]


def test_customers_have_one_mail_address_each(shop: Shops) -> None:
    made = shop.api.post("customers", {"email": "zoe@example.com", "first_name": "Zoë"})
    assert made.status_code == 201
    again = shop.api.post("customers", {"email": "zoe@example.com"})
    assert again.json()["code"] == "registration-error-email-exists"
    path = f"customers/{made.json()['id']}"
    assert shop.api.put(path, {"last_name": "Ö"}).json()["last_name"] == "Ö"
    found = shop.api.get("customers", params={"email": "zoe@example.com"}).json()
    assert [row["first_name"] for row in found] == ["Zoë"]


# The shopper ---------------------------------------------------------------------------------


def test_the_shopper_edits_moves_and_asks_for_money_back(shop: Shops) -> None:
    order = shop.order(lines=[{"sku": "A", "price": "10.00"}, {"sku": "B", "price": "1.00"}])
    edited = shop.control(
        "shop_edit_order",
        order=order["id"],
        lines=[{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 0}],
    )["order"]
    assert [(i["sku"], i["total"]) for i in edited["line_items"]] == [("A", "20.00")]
    assert edited["total"] == "21.65"
    moved = shop.control(
        "shop_change_address", order=order["id"], shipping={"city": "Zürich", "country": "CH"}
    )["order"]
    assert (moved["shipping"]["city"], moved["billing"]["country"]) == ("Zürich", "US")
    asked = shop.control("shop_request_refund", order=order["id"], amount="5.00", reason="broken")[
        "order"
    ]
    meta = {m["key"]: m["value"] for m in asked["meta_data"]}
    assert (meta["_refund_requested"], meta["_refund_reason"]) == ("5.00", "broken")
    assert asked["refunds"] == []
