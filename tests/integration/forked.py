"""Workers as processes of their own, forked from a server that has loaded what they need."""

import multiprocessing

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.integration.poster", "tests.integration.order_worker"])
