"""The SYSPRO of the sandbox: e.net REST and a JSON facade over one set of books."""
