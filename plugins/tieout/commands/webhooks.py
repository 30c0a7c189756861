"""``webhooks``: what Cybersource tells us, where, and signed with which keys."""

import argparse
import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from include.adapters.cybersource.timings import ROTATE_AGAIN
from include.domain.canonical import to_json
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.orders import reference_of
from include.services.effects.chain import signer
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import EXECUTED
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, group, say

if TYPE_CHECKING:
    from include.adapters.cybersource.webhooks.keys import KeyRing
    from tieout.hooks.cybersource import CybersourceHook

_WANTED = ("risk.", "tms.networktoken.", "tms.token.", "payments.")
_NAME = "Tieout"


def add(parsers: Parsers) -> None:
    webhooks = group(parsers, "webhooks", "what Cybersource tells us, where, and signed with what")
    keys = command(
        webhooks, "keys", "list the ids of the keys, or make a new one", _keys, is_signed=True
    )
    keys.add_argument("--rotate", action="store_true", help="make a new one")
    keys.add_argument("--out", type=Path, help="where the new key is written, readable by you only")
    shown = command(webhooks, "list", "subscriptions at the gateway", _list)
    subscribe = command(
        webhooks, "subscribe", "have ours be as said; a known one is changed", _subscribe,
        is_signed=True,
    )  # fmt: skip
    subscribe.add_argument("--url", required=True, help="https://.../v1/webhooks/cybersource/...")
    subscribe.add_argument("--health-url", default="", help="default: the API's own")
    subscribe.add_argument("--inactive", action="store_true", help="it delivers nothing")
    test = command(
        webhooks, "test", "have the gateway send a test notification", _test, is_signed=True
    )
    for parser in (keys, shown, subscribe, test):
        parser.add_argument("merchant")
    test.add_argument("webhook_id")


def _hook(context: Tieout, given: argparse.Namespace) -> "CybersourceHook":
    from tieout.hooks.cybersource import CybersourceHook

    return CybersourceHook(context.today.merchant(given.merchant).cybersource_conn_id)


class _FileRing:
    """Satisfies ``KeyRing``: a new key goes into a file for the connection, never to a screen.

    The file is there before the key is made: a full disk must not cost a key.
    """

    def __init__(self, hook: "CybersourceHook", path: Path) -> None:
        self._hook = hook
        self._path = path

    def __enter__(self) -> "_FileRing":
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as fault:
            what = f"{self._path} cannot be made: {fault.strerror}"
            raise Rejected(what, "--out", "Name a new file in a folder of yours.") from None
        return self

    def __exit__(self, *_: object) -> None:
        if not self._path.stat().st_size:
            self._path.unlink()

    def keys(self) -> Mapping[str, bytes]:
        return self._hook.webhook_keys

    def add(self, key_id: str, key: bytes) -> None:
        self._path.write_text(f"{key_id}={base64.b64encode(key).decode()}\n")


def _keys(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.cybersource.webhooks.keys import MakeKey

    hook = _hook(context, given)
    if not given.rotate:
        for key_id in sorted(hook.webhook_keys):
            say(key_id)
        return say(f"{len(hook.webhook_keys)} keys in the connection")
    if given.out is None:
        raise Rejected("a new key needs a new file", "--out", "Name one that does not exist yet.")
    merchant = context.today.merchant(given.merchant)
    wish = MakeKey(merchant.organization_id)
    with _FileRing(hook, given.out) as ring:
        effect = _perform(context, given, hook, EffectKind.webhook_key, wish, ring)
    _demand_key(effect)
    _resolve_lost(context, effect, given.who)
    return say(
        f"{effect.their_key} is in {given.out}. Add its line to webhook_secrets of connection "
        f"{merchant.cybersource_conn_id}, beside the old one, and delete the file. Take the old "
        "key out after a day: what is under way is still signed with it."
    )


def _demand_key(effect: Effect) -> None:
    """Tell a person who waits what became of the key.

    Raises:
        OutcomeUnknown: one may have been made, and its answer is lost.
        Rejected: none was made.
    """
    if effect.state is EffectState.dead_letter:
        what = f"a key may have been made, and it is lost: {effect.reason}"
        raise OutcomeUnknown(what, effect.key, ROTATE_AGAIN)
    if effect.state not in EXECUTED:
        raise Rejected(f"no key was made: {effect.reason}", effect.key, "Mend that; rotate again.")


def _resolve_lost(context: Tieout, effect: Effect, who: str) -> None:
    """Close what an earlier attempt left open: this key replaces whatever it made."""
    begins = effect.key.rpartition("|")[0]
    for letter in context.dead_letters.every(kind=effect.kind.value):
        if letter.key.rpartition("|")[0] == begins:
            context.dead_letters.resolve(
                letter.dead_letter_id, who, f"replaced by key {effect.their_key}", via="cli"
            )


def _list(context: Tieout, given: argparse.Namespace) -> None:
    organization = context.today.merchant(given.merchant).organization_id
    found = _hook(context, given).webhooks.subscriptions(organization)
    for one in found:
        events = sum(len(names) for names in one.products.values())
        say(f"{one.webhook_id}  {one.status}  {one.name}  {events} events  {one.url}")
    say(f"{len(found)} subscriptions")


def _subscribe(context: Tieout, given: argparse.Namespace) -> None:
    """Have the subscription of our name be as wished; what is so already is left alone."""
    from include.adapters.cybersource.webhooks.partner import SetSubscription, Wish

    organization, hook = (
        context.today.merchant(given.merchant).organization_id,
        _hook(context, given),
    )
    listed = hook.webhooks.products(organization)
    products = {
        # An encrypted payload tells us nothing, and needs a certificate that nobody has stored.
        one.product_id: tuple(
            name for name in one.events if name.startswith(_WANTED) and name not in one.encrypted
        )
        for one in listed
    }
    wish = SetSubscription(
        organization_id=organization,
        name=_NAME,
        url=given.url,
        health_url=given.health_url or _health_of(given.url),
        products={name: events for name, events in products.items() if events},
        wish=Wish.inactive if given.inactive else Wish.active,
    )
    effect = _perform(context, given, hook, EffectKind.webhook_subscription, wish)
    if effect.state in (EffectState.rejected, EffectState.dead_letter, EffectState.mismatched):
        todo = "Mend that, and subscribe again; its dead letter can then be resolved."
        raise Rejected(f"nothing is subscribed as asked: {effect.reason}", effect.key, todo)
    state = f"{effect.state.value} {effect.reason}".strip()
    is_there = effect.state in EXECUTED and not effect.sends
    state = f"it is so already ({state})" if is_there else state
    left_out = sum(len(one.encrypted) for one in listed)
    more = f"; {left_out} are left out, their payload is encrypted" if left_out else ""
    count = sum(map(len, wish.products.values()))
    return say(f"{_NAME}: {state}, {count} events to {given.url}{more}")


def _test(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.cybersource.webhooks.probe import AskTest

    organization = context.today.merchant(given.merchant).organization_id
    wish = AskTest(organization, given.webhook_id)
    effect = _perform(context, given, _hook(context, given), EffectKind.webhook_test, wish)
    if effect.state is EffectState.rejected:
        raise Rejected(effect.reason, effect.key, "See `webhooks list` for what can be tested.")
    if effect.state not in EXECUTED:
        return say(
            f"no clear answer yet ({effect.state.value} {effect.reason}); it is asked for again "
            "by itself, and a second notification harms nobody"
        )
    return say("the gateway will send a test notification")


def _perform(
    context: Tieout,
    given: argparse.Namespace,
    hook: "CybersourceHook",
    kind: EffectKind,
    wish: object,
    ring: "KeyRing | None" = None,
) -> Effect:
    """Have the engine make one change, signed by who asked for it in the commit that intends it."""
    organization = context.today.merchant(given.merchant).organization_id
    engine = context.engine(
        hook.webhook_partners(ring), hook.webhook_timings, worker=signer("cli", given.who)
    )
    return engine.perform(_effect(context, kind, organization, wish))


def _effect(context: Tieout, kind: EffectKind, organization: str, wish: object) -> Effect:
    """Make each asking an effect of its own: what is so already is found, and not sent."""
    payload = to_json(wish)
    digest = hashlib.sha256(payload.encode()).hexdigest()
    key = f"{kind.value}|{organization}|{context.clock.now().isoformat()}"
    return Effect(kind, key, reference_of(key), payload, digest, organization, "", 0, "integration")


def _health_of(receiver: str) -> str:
    """Return the API's health address, which answers GET and POST, beside a receiver's."""
    base, found, _ = receiver.rpartition("/v1/webhooks/")
    return f"{base}/v1/webhooks/health" if found else receiver
