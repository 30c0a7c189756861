"""The GL template: which account each class of a settlement goes to, from a date on."""

from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.errors import Rejected


@dataclass(frozen=True, slots=True)
class GlTemplate:
    """Accounts by role, in force until a later template of that name.

    Roles: ``net`` (funds in transit), ``bank``, ``fx_rounding``, ``acquirer_payable``,
    ``dispute_lost``, ``adjustment``, ``reserve``, the line classes, and ``fee.<fee kind>``.
    """

    name: str
    accounts: Mapping[str, str]
    where: str = ""  # "gl_templates.yaml:12", for messages

    def account(self, role: str) -> str:
        """Return the account of a role.

        Raises:
            Rejected: the template has none; the message holds the line to add.
        """
        found = self.accounts.get(role)
        if found is None:
            raise Rejected(
                f"GL template {self.name!r} has no account for {role!r}",
                self.where or "gl_templates.yaml",
                f"Add the line '{role}: \"<account>\"' under accounts of {self.name}.",
            )
        return found
