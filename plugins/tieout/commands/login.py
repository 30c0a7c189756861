"""Who sits at the shell: the login beside the name that they sign with."""

import argparse
import os
import pwd
import re
from contextlib import suppress
from pathlib import Path

from include.domain.people import named

_KERNEL = Path("/proc/self/loginuid")  # set once at login; sudo and su leave it as it is
_NONE = 2**32 - 1  # the process stems from no login, e.g. in a container
_LOGIN = re.compile(r"[\w.@-]{1,64}")


def login() -> str:
    """Return the login name: by the kernel's record, else by sudo's, else the process's user.

    Without the kernel's record it is only as good as the environment, which a person can set.
    """
    with suppress(OSError, ValueError):
        if (uid := int(_KERNEL.read_text())) != _NONE:
            return _name(uid)
    by_sudo = os.environ.get("SUDO_USER", "")
    return by_sudo if _LOGIN.fullmatch(by_sudo) else _name(os.getuid())


def signature(who: str) -> str:
    """Read ``--who``: the name, with the login behind it where that is another.

    Raises:
        argparse.ArgumentTypeError: the name looks as if it had a login already, or is none.
    """
    if not who.strip() or "(" in who or ")" in who:
        raise argparse.ArgumentTypeError("write a name, without brackets")
    return named(who, login())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
