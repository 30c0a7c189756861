"""Keep tokens in step: with the gateway (expiry, closed, gone), and with SYSPRO (its customer).

A notification asks for one token at once; besides, each is checked every sixteen days, so that a
lost notification is made up for. Those that are longest due go first, and no night asks for more
than its share; a token that no order has used for a year rests until one does.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from include.domain.errors import Rejected, Retryable
from include.domain.payments import StoredToken
from include.services.profiles.ports import (
    CustomerList,
    KeptToken,
    TokenBook,
    TokenState,
    TokenVault,
)
from include.services.sync.ports import Shelf, Tally

log = logging.getLogger(__name__)
LETTER_KIND = "token_without_customer"
REFUSED = "token_not_read"
NONE_READ = "tokens_not_read"  # of the merchant
_EVERY = timedelta(days=16)
_ODD_EVERY = timedelta(hours=20)  # the next night again, until what was odd is mended
_NEVER = (
    "The gateway answers for others and not for this one: ask its support, or delete the card "
    "there if its shopper shall enter it anew. It is asked every night until it is answered."
)
_NONE = (
    "If the gateway was down, nothing: they are asked for again the next night, and this closes by "
    "itself at the first that is answered. If it answers for payments, ask its support about this "
    "card, or delete it there if its shopper shall enter it anew."
)
_UNUSED = timedelta(days=365)
_A_NIGHT = 5_000  # tokens; at half a second each some 40 minutes
_SILENT = 2  # before any is answered; at the next it is the gateway's silence
_AT_ONCE = 100  # whose customers are asked for together; a try that is cut off loses no more


@dataclass(slots=True)
class _Heard:
    """What a try has heard of the gateway."""

    late: set[str] = field(default_factory=set)  # names of those that were not answered once
    witness: StoredToken | None = None  # the last that was answered, or refused


@dataclass(frozen=True, slots=True)
class ProfileCheck:
    """Checks the tokens of one merchant."""

    merchant_id: str
    book: TokenBook
    vault: TokenVault
    erp: CustomerList
    shelf: Shelf
    owner: str

    def refresh(self, token_id: str) -> int:
        """Read again what a notification names; return how many tokens of ours it concerned.

        Raises:
            Retryable: the gateway could not be asked.
        """
        found = self.book.having(self.merchant_id, token_id)
        for kept in found:
            self._refresh(kept)
        return len(found)

    def run(self, erp_session: Callable[[], AbstractContextManager[None]]) -> Tally:
        """Check the night's share of the tokens that are due, at the gateway and then in SYSPRO.

        Args:
            erp_session: opens a session of SYSPRO, for a few questions to it.

        Raises:
            Retryable: the gateway answers nothing, or SYSPRO; what was checked is due no more.
        """
        tally, heard = Tally(), _Heard()
        self.book.rest(self.merchant_id, _UNUSED)
        while tally.read < _A_NIGHT:
            some = self.book.due(self.merchant_id, min(_AT_ONCE, _A_NIGHT - tally.read))
            if not some:
                break
            odd = self._check(some, tally, heard, erp_session)
            well = [one for one in some if one not in odd and one.name not in heard.late]
            self.book.checked(well, _EVERY)
            self.book.checked(odd, _ODD_EVERY)
        return tally.check()

    def _check(
        self,
        some: Sequence[KeptToken],
        tally: Tally,
        heard: _Heard,
        erp_session: Callable[[], AbstractContextManager[None]],
    ) -> Sequence[KeptToken]:
        """Check tokens together; return those that were set aside.

        Args:
            some: the tokens.
            tally: of the whole try.
            heard: of the gateway, in the whole try.
            erp_session: as of ``run``.
        """
        shown, odd = list[KeptToken](), list[KeptToken]()
        for kept in some:
            try:
                is_alive = self._answered(kept, heard)
            except Rejected as fault:  # one that may not be read keeps no other from its turn
                self.shelf.set_aside(REFUSED, kept.name, fault, owner=self.owner, reopens=False)
                odd.append(kept)
                tally.read += 1
                continue
            if is_alive is None:
                continue
            tally.read += 1
            self.shelf.settle(REFUSED, kept.name, "it was read again")
            if is_alive and kept.customer:
                shown.append(kept)
            else:
                self._fits(kept, tally)
        known = set[str]()
        if shown:
            with erp_session():
                known = self.erp.existing(_customers(shown))
        for kept in shown:
            if kept.customer in known:
                self._fits(kept, tally)
            else:
                self.shelf.set_aside(LETTER_KIND, kept.name, _orphan(kept), owner=self.owner)
                odd.append(kept)
        tally.set_aside += len(odd)
        return odd

    def _fits(self, kept: KeptToken, tally: Tally) -> None:
        self.shelf.settle(LETTER_KIND, kept.name, "its customer is there, or it went")
        tally.done += 1

    def _answered(self, kept: KeptToken, heard: _Heard) -> bool | None:
        """Refresh a token; ``None``: no answer, so it is asked again behind all that are due.

        Raises:
            Retryable: nor right after for one that was answered before; or none was in this try,
                and this is the third or asked again.
            Rejected: refused; or not answered again, while one asked right after was.
        """
        is_again = kept.name in heard.late
        heard.late.discard(kept.name)
        try:
            is_alive = self._refresh(kept)
        except Rejected:
            self._hear(kept, heard)
            raise
        except Retryable as fault:
            self.book.checked([kept], timedelta(0))
            if heard.witness:
                with suppress(Rejected):  # a no is an answer as well
                    self._read(heard.witness)  # a silence here is the gateway's; it ends the try
            elif is_again or len(heard.late) >= _SILENT:
                self.book.checked([kept], _ODD_EVERY)  # the next try goes on without it
                if is_again:  # the last tries may find nothing due, and end well
                    self._tell_of_silence(kept, fault)
                raise
            if is_again:
                raise Rejected(fault.what, fault.where, _NEVER) from fault
            heard.late.add(kept.name)
            return None
        self._hear(kept, heard)
        return is_alive

    def _hear(self, kept: KeptToken, heard: _Heard) -> None:
        """Note that the gateway has answered for a token, if only with a no."""
        if heard.witness is None:
            self.shelf.settle(NONE_READ, self.merchant_id, "the gateway answered for one")
        heard.witness = kept.token

    def _tell_of_silence(self, kept: KeptToken, fault: Retryable) -> None:
        """Open one letter of the merchant: it is not known who is silent, the gateway or cards."""
        what = f"no stored card that was due is answered for; {kept.name}: {fault.what}"
        letter = Rejected(what, fault.where, _NONE)
        self.shelf.set_aside(NONE_READ, self.merchant_id, letter, owner=self.owner)

    def _refresh(self, kept: KeptToken) -> bool:
        """Take over what the gateway shows; say whether the token is alive."""
        if kept.state is not TokenState.active:
            return False
        token = self._read(kept.token)
        if token is None:
            self.book.change(kept, kept.token, TokenState.deleted)
            return False
        if token.is_closed:
            self.book.change(kept, token, TokenState.closed)
            log.info("%s of customer %s: closed by its issuer", kept.name, kept.customer)
            return False
        if token != kept.token:
            self.book.change(kept, token, TokenState.active)
        return True

    def _read(self, known: StoredToken) -> StoredToken | None:
        if known.instrument_token:
            found = self.vault.instrument(known.customer_token, known.instrument_token)
        else:
            held = self.vault.customer(known.customer_token)
            if held is None:
                return None
            found = held[0] if held else known
        if found is None:
            return None
        # What the gateway does not show now stays as it was; the ids are what it is kept under.
        return replace(
            known,
            identifier_token=found.identifier_token or known.identifier_token,
            suffix=found.suffix or known.suffix,
            expiry=found.expiry or known.expiry,
            brand=found.brand or known.brand,
            is_closed=found.is_closed,
        )


def _customers(kept: Iterable[KeptToken]) -> list[str]:
    return sorted({one.customer for one in kept})


def _orphan(kept: KeptToken) -> Rejected:
    return Rejected(
        f"SYSPRO has no customer {kept.customer!r} any more",
        f"company {kept.company_id}, token of {kept.merchant_id}",
        "If the customer was merged, the shopper's next order links the token anew; if it was "
        "deleted, forget the shopper (tokens forget). Then resolve this.",
    )
