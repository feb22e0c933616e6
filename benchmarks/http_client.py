"""Requests for ranges a second: the reader of this package beside the client that huggingface_hub brings (httpx).

Both ask the same server on this machine, in turns, with one connection each that is used again; httpx with the session
of huggingface_hub as it comes, and none of our checks of the answer.

    python benchmarks/http_client.py --requests 400 --rounds 7 --bytes 4096
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huggingface_hub import get_session
from surgsigma_hub.streaming.storage.http import HttpFiles

FILE = 1 << 24


class Ranges(BaseHTTPRequestHandler):
    """Answers requests for a range of one file of zeros."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: apart they wait 40 ms for each other

    def do_GET(self) -> None:
        """One range."""
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        self.send_response(206)
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Content-Range", f"bytes {first}-{last}/{FILE}")
        self.end_headers()
        self.wfile.write(bytes(last + 1 - first))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400, help="of a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bytes", type=int, default=4096, help="of a range")
    args = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    ours, theirs = HttpFiles(url), get_session()

    def own(start: int) -> bytes:
        return ours.read("a.tar", start, start + args.bytes).data

    def other(start: int) -> bytes:
        found = theirs.get(f"{url}a.tar", headers={"Range": f"bytes={start}-{start + args.bytes - 1}"})
        return bytes(found.content)

    contenders: dict[str, Callable[[int], bytes]] = {"this package": own, "huggingface_hub's httpx": other}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(args.rounds + 1):
        for name, read in contenders.items():
            began = time.perf_counter()
            for n in range(args.requests):
                assert len(read(n * args.bytes % (FILE - args.bytes))) == args.bytes
            if turn:  # the first round opens connections
                rates[name].append(args.requests / (time.perf_counter() - began))
    for name, found in rates.items():
        print(f"{name:26}{statistics.median(found):9.0f} requests/s   {min(found):.0f} to {max(found):.0f}")
    a, b = (statistics.median(found) for found in rates.values())
    print(f"httpx / this package: {b / a:.2f}")
    server.shutdown()


if __name__ == "__main__":
    main()
