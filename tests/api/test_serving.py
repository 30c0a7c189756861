"""Connections that hold and say nothing: they end, and there are never too many of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.responses import PlainTextResponse
from uvicorn import Config
from uvicorn.server import ServerState

from tieout.api.serving import options
from tieout.api.settings import ApiSettings

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


@asynccontextmanager
async def served(
    most: int, idle_s: int, said: str = "here"
) -> AsyncIterator[tuple[int, ServerState]]:
    """Say something to whoever asks, as the API alone is served; the port, and who is there."""
    bounds = options(ApiSettings(max_connections=most)) | {"timeout_keep_alive": idle_s}
    config = Config(PlainTextResponse(said), lifespan="off", log_config=None, **bounds)
    config.load()
    state = ServerState()
    made = config.http_protocol_class
    assert isinstance(made, type)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: made(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1], state
    finally:
        server.close()


async def begin(port: int, sent: bytes) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    return reader, writer


async def rest(line: Line) -> bytes:
    """Return what comes until the other side ends it."""
    try:
        return await asyncio.wait_for(line[0].read(), 10)
    except ConnectionResetError:
        return b""


def test_a_connection_too_many_is_refused_and_the_others_go_on() -> None:
    async def play() -> None:
        async with served(most=2, idle_s=30) as (port, state):
            first, second = await begin(port, b""), await begin(port, b"")
            assert (await rest(await begin(port, b""))).startswith(b"HTTP/1.1 503 ")
            first[1].write(ASK)
            assert (await first[0].readline()).startswith(b"HTTP/1.1 200 ")
            second[1].close()
            while len(state.connections) > 1:
                await asyncio.sleep(0.01)
            third = await begin(port, ASK)
            assert (await third[0].readline()).startswith(b"HTTP/1.1 200 ")

    asyncio.run(play())


def test_a_request_that_does_not_come_to_its_end_is_cut_off() -> None:
    async def play() -> None:
        async with served(most=9, idle_s=1) as (port, _):
            silent, headers = await begin(port, b""), await begin(port, LONG[:30])
            late = await begin(port, LONG + b"1234")  # answered, and the body never ends
            ended = await asyncio.gather(rest(silent), rest(headers), rest(late))
            assert ended[:2] == [b"", b""]
            assert ended[2].startswith(b"HTTP/1.1 200 ")

    asyncio.run(play())


@pytest.mark.parametrize(("sent", "more"), [(ASK, b"\r\n"), (LONG, b"123456789")])
def test_what_comes_after_an_answer_and_begins_no_request_holds_nothing(
    sent: bytes, more: bytes
) -> None:
    async def play() -> None:
        async with served(most=9, idle_s=1) as (port, _):
            line = await begin(port, sent)
            assert (await line[0].readline()).startswith(b"HTTP/1.1 200 ")
            await line[0].readuntil(b"here")
            line[1].write(more)
            await rest(line)

    asyncio.run(play())


def test_a_request_has_its_whole_time_whatever_was_before_it() -> None:
    async def play() -> None:
        async with served(most=9, idle_s=2) as (port, _):
            opened_early, answered_early = await begin(port, b""), await begin(port, LONG)
            await answered_early[0].readuntil(b"here")
            answered_early[1].write(b"123456789")
            for part in (LONG[:30], LONG[30:]):
                await asyncio.sleep(1.2)
                opened_early[1].write(part)
                answered_early[1].write(part)
            for reader, _ in (opened_early, answered_early):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")

    asyncio.run(play())


def test_requests_are_not_queued_without_end() -> None:
    async def play() -> None:
        async with served(most=9, idle_s=30) as (port, state):
            line = await begin(port, ASK * 3)
            for _ in range(3):
                await line[0].readuntil(b"here")
            line[1].write(ASK * 1000)
            await rest(line)
            assert state.total_requests < 100

    asyncio.run(play())


@pytest.mark.parametrize("sent", [ASK, ASK.replace(b"Host", b"Connection: close\r\nHost")])
def test_an_answer_that_nobody_reads_holds_nothing(sent: bytes) -> None:
    async def play() -> None:
        more_than_the_kernels_take = "x" * 20_000_000
        async with served(most=9, idle_s=1, said=more_than_the_kernels_take) as (port, state):
            line = await begin(port, sent)
            assert (await line[0].readline()).startswith(b"HTTP/1.1 200 ")
            async with asyncio.timeout(10):
                while state.connections:
                    await asyncio.sleep(0.1)
            line[1].transport.abort()

    asyncio.run(play())


def test_a_body_that_may_take_long_is_not_cut_off_before() -> None:
    for seconds in (1, 15, 300):  # as far as the setting goes
        assert options(ApiSettings(body_s=seconds))["timeout_keep_alive"] > seconds
