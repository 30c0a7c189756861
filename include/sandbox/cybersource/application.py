"""The routes of the local Cybersource, and what its control server may change."""

import base64
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from include.sandbox.cybersource.answers import BadField, bad_request, not_found, unauthenticated
from include.sandbox.cybersource.catalog import Catalog
from include.sandbox.cybersource.credentials import Keyring
from include.sandbox.cybersource.desk import Desk
from include.sandbox.cybersource.live import Live
from include.sandbox.cybersource.search import Search
from include.sandbox.cybersource.services import Services
from include.sandbox.cybersource.signature import Caller, Gate, Refused
from include.sandbox.ledger import Ledger
from include.sandbox.server import App, Handler, Request, Response, log
from include.sandbox.world import World

Answer = Callable[[Request, str], Response]  # request, merchant


class CybersourceApp(App):
    """Every call but the schemas is authenticated; reports are read, all else may be written."""

    system = "cybersource"
    server_header = "Apache"

    def __init__(self, world: World, ledger: Ledger) -> None:
        super().__init__()
        self.world = world
        self._ledger = ledger
        self.desk = Desk(world)
        self.keyring = Keyring()
        self._gate = Gate(self.keyring)
        self.live = Live(world, ledger)
        self._search = Search(world, self.live.book, self.live.switches)
        catalog, services = Catalog(world, self.desk), Services(world)
        self._catalog = catalog
        reporting = "/reporting/v3"
        self.router.add(
            "GET", f"{reporting}/(?P<kind>dtds|xsds)/(?P<name>[\\w.-]+)", catalog.schema
        )
        for path, answer in (
            ("reports", catalog.search),
            ("reports/(?P<report_id>[^/]+)", catalog.one),
            ("report-downloads", self._download),
            ("report-subscriptions", catalog.subscriptions),
            ("report-subscriptions/(?P<name>[^/]+)", catalog.subscription),
            ("report-definitions", catalog.definitions),
            ("report-definitions/(?P<name>[^/]+)", catalog.definition),
            ("payment-batch-summaries", services.batch_summaries),
            ("chargeback-details", services.chargeback_details),
            ("chargeback-summaries", services.chargeback_summaries),
            ("retrieval-details", services.retrieval_details),
            ("retrieval-summaries", services.retrieval_summaries),
            ("net-fundings", services.net_fundings),
            ("purchase-refund-details", services.purchase_refunds),
            ("conversion-details", services.conversions),
            ("interchange-clearing-level-details", services.interchange),
            ("notification-of-changes", services.notices_of_change),
        ):
            self.router.add("GET", f"{reporting}/{path}", self._for_organization(answer))
        self.router.add("GET", "/tss/v2/transactions/(?P<id>[^/]+)", self._detail)
        self.router.add("POST", "/tss/v2/searches", self._for_caller(self._search.create))
        self.router.add(
            "GET", "/tss/v2/searches/(?P<id>[^/]+)", self._for_caller(self._search.read)
        )
        for method, path, live in (*self.live.payment_routes(), *self.live.token_routes()):
            self.router.add(method, path, self._for_caller(live))
        self._add_webhooks()

    def _add_webhooks(self) -> None:
        hooks, one = self.live.webhooks, "(?P<id>[^/]+)"
        base = "/notification-subscriptions"
        for method, path, handler in (
            ("POST", "/kms/egress/v2/keys-sym", hooks.make_key),
            ("GET", f"{base}/v2/products/{one}", hooks.products),
            ("POST", f"{base}/v2/webhooks", hooks.create),
            ("GET", f"{base}/v2/webhooks", hooks.listed),
            ("GET", f"{base}/v2/webhooks/{one}", hooks.one),
            ("PATCH", f"{base}/v2/webhooks/{one}", hooks.one),
            ("DELETE", f"{base}/v2/webhooks/{one}", hooks.one),
            ("PUT", f"{base}/v2/webhooks/{one}/status", hooks.set_status),
            ("POST", f"{base}/v1/webhooks/{one}", hooks.test),
            ("POST", f"/nrtf/v1/webhooks/{one}/replays", hooks.replay),
        ):
            self.router.add(method, path, self._checked(hooks.refusing(handler)))

    def error_text(self, text: str) -> Response:
        body = {"status": "SERVER_ERROR", "reason": "SYSTEM_ERROR", "message": text}
        return Response.of_json(body, 502)

    def _download(self, request: Request, merchant: str) -> Response:
        response = self._catalog.download(request, merchant)
        name, day = request.query.get("reportName", ""), request.query.get("reportDate", "")
        reference = f"{merchant}|{name}|{day}"
        is_given = response.status == 200
        self._ledger.record(
            "cybersource", "report-downloads", reference, response.whole(), committed=is_given
        )
        return response

    def _for_organization(self, answer: Answer) -> Handler:
        """Answer about ``organizationId``, or the caller; an empty or strange one is 404."""

        def ask(request: Request, caller: Caller) -> Response:
            wanted = request.query.get("organizationId", caller.merchant)
            if wanted not in caller.merchants:
                return not_found(request)
            return answer(request, wanted)

        return self._checked(ask)

    def _for_caller(self, answer: Answer) -> Handler:
        return self._checked(lambda request, caller: answer(request, caller.merchant))

    def _detail(self, request: Request) -> Response:
        return self._checked(lambda r, caller: self._search.detail(r, caller.merchants))(request)

    def _checked(self, ask: Callable[[Request, Caller], Response]) -> Handler:
        def handle(request: Request) -> Response:
            try:
                return ask(request, self._gate.check(request))
            except Refused as problem:
                log.info("cybersource refused %s: %s", request.path, problem)
                return unauthenticated()
            except BadField as problem:
                return bad_request(problem)

        return handle

    def control(self, action: str, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Restate a report, set its state, let a spoiled file come right, or hand out a P12.

        ``restate``, ``redeliver`` and ``report_state`` take organization_id, report_name and
        settlement_date; ``report_state`` also state; ``p12`` takes organization_id and
        passphrase and returns p12_base64 for a connection that signs with RS256. The other
        actions are those of :meth:`Live.control`.
        """
        done = self.live.control(action, facts)
        if done is not None:
            return done
        if action == "p12":
            return self._p12(facts)
        if action not in ("restate", "redeliver", "report_state"):
            return None
        organization, name = str(facts["organization_id"]), str(facts["report_name"])
        day = date.fromisoformat(str(facts["settlement_date"]))
        self._demand(organization, name, day)
        if action == "restate":
            return self.world.restate(organization, name, day)
        if action == "redeliver":
            self.desk.redeliver(organization, name, day)
        else:
            self.desk.set_report_state(organization, name, day, str(facts["state"]))
        return {"state": self.desk.state(organization, name, day)}

    def _demand(self, organization: str, name: str, day: date) -> None:
        known = self.world.merchants.get(organization)
        names = [report.name for report in known.reports] if known else []
        if name not in names or not self.world.has(day):
            raise ValueError(f"no report {name!r} of {organization!r} on {day}; it has {names}")

    def _p12(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        passphrase = str(facts.get("passphrase", "sandbox"))
        data = self.keyring.make_p12(str(facts["organization_id"]), passphrase)
        return {"p12_base64": base64.b64encode(data).decode(), "passphrase": passphrase}

    def reset(self) -> None:
        self.world.reset()
        self.desk.reset()
        self._search.reset()
        self.live.reset()
