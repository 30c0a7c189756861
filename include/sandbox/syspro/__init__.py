"""The SYSPRO of the sandbox: e.net REST and a JSON facade over one set of books."""

from include.sandbox.syspro.service import SysproApp

__all__ = ["SysproApp"]
