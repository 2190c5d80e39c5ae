"""The benchmark of lists and searches: it runs, and a page that fails is not counted as quick."""

import asyncio

import pytest

from bench import api as api_bench
from bench.api import PAGES
from tests.servers import free_port


def test_it_asks_every_page_and_compares_the_same_rows() -> None:
    report = api_bench.api(tickets=120, standing=60, runs=1, seconds=0.3, people_seconds=3)
    assert report["requests"] > 20
    assert set(report["p99_ms_by_page"]) <= set(PAGES)
    assert report["p50_ms"] <= report["p99_ms"]
    assert report["requests_per_second"] > 0
    assert report["ratio"] > 0


def test_an_answer_that_is_no_success_ends_it() -> None:
    async def refused() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        port = free_port()
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            try:
                await api_bench._Connection(port, "").get("/tickets")
            finally:
                # One turn, so that the closed connection is gone before the loop is.
                await asyncio.sleep(0.05)

    with pytest.raises(ConnectionError, match="503"):
        asyncio.run(refused())
