"""What the shipped ``airflow_settings.yaml`` holds for the demo alone, and production refuses.

Its secrets are in the repository, so everybody can sign with them. A test holds this list against
the file.
"""

from collections.abc import Mapping

DEMO_SECRETS = frozenset(
    {
        "m8T6Vfv7Rhjbm5WHU2+cW0g1TlqBRrNkk1BE9oqddyY=",
        "E0xPlkOFy2fJsiMH0Blyo5RJvmP/l++u6NE6c/sSYdU=",
        "QmsQWXaYX+PGNKw8r8KixZ7s7ZQzxw2/qlBbPMVf0do=",
        "6d75ffad-ed36-4b2f-9f5a-sandbox0001",
        "6d75ffad-ed36-4b2f-9f5a-sandbox0002",
        "6d75ffad-ed36-4b2f-9f5a-sandbox0003",
        "sandbox-A",
        "sandbox-B",
        "sandbox-J",
        "sandbox-bank",
        "sandbox-shop",
        "sandbox-webhook-acme-us",
        "/chat/hook",
        "ck_86bd417677cad694f829d6a8cfda4df4035145c2",
        "cs_e85cbc581aa65acf32476a4ad443c6366c9f4128",
        "whsec_dGllb3V0LXNhbmRib3gtd2ViaG9vay1hY21lLXVr",
        "whsec_dGllb3V0LXNhbmRib3gtY2FsbGJhY2stc2VjcmV0",
        "whsec_dGllb3V0LXNhbmRib3gtY2FsbGJhY2stc2VjcmV1",
    }
)


def unfit_for_production(login: str, password: str, extra: Mapping[str, object]) -> str:
    """Say what of a connection no production may have; '' where nothing is. Quotes no secret."""
    given = {login, password, *(str(value) for value in extra.values())}
    if given & DEMO_SECRETS:
        return "it holds a secret of the demo, which everybody knows"
    if str(extra.get("allow_local") or "").strip().lower() in ("true", "1", "yes"):
        return "it lets callbacks into private networks (allow_local)"
    return ""
