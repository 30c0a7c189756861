"""Call an ASGI application in this process: a loop in a thread, its lifespan, httpx on top."""

import asyncio
import threading
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

import httpx
from fastapi import FastAPI


class Caller:
    """Safe to use from many threads at once: requests then run concurrently in the loop."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient | None = None

    def __enter__(self) -> "Caller":
        self._thread.start()
        self._wait(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("enter it first")
        found: httpx.Response = self._wait(self._client.request(method, path, **more))
        return found

    async def _open(self) -> None:
        lifespan = self._app.router.lifespan_context(self._app)
        await self._stack.enter_async_context(lifespan)
        transport = httpx.ASGITransport(self._app)
        client = httpx.AsyncClient(transport=transport, base_url="http://api.test", timeout=60)
        self._client = await self._stack.enter_async_context(client)

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)
