"""A real OpenAI-compatible endpoint on 127.0.0.1 that misbehaves on request.

Each request takes the next answer of the script; the last one is repeated. An answer is a function that writes to the
handler, made by one of the functions below.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self._serve(json.loads(self.rfile.read(length) or b"{}"))

    def do_GET(self) -> None:
        self._serve({})

    def _serve(self, body: dict[str, Any]) -> None:
        answer = self.server.next_answer(self.path, body)
        try:
            answer(self)
        except (ConnectionError, TimeoutError):
            self.server.hung_up.set()
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass

    def start(self, status: int = 200, content_type: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)

    def chunk(self, data: bytes) -> None:
        """Write one chunk of a chunked body; the empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, **fields: Any) -> None:
        fields = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], **fields}
        self.chunk(f"data: {json.dumps(fields)}\n\n".encode())


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.hung_up = threading.Event()
        self._answers = list(answers)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next_answer(self, path: str, body: dict[str, Any]) -> Answer:
        with self._lock:
            number = len(self.requests)
            self.requests.append({"path": path, **body})
            self.times.append(time.monotonic())
        return self._answers[min(number, len(self._answers) - 1)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def endpoint(*answers: Answer) -> Iterator[Endpoint]:
    """Serve ``answers`` meanwhile."""
    server = Endpoint(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fails(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Answer:
    """An error response in OpenAI's form."""

    def answer(handler: Handler) -> None:
        body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
        handler.start(status, content_length=str(len(body)), **headers)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def gives(body: Any) -> Answer:
    """A plain JSON response."""

    def answer(handler: Handler) -> None:
        data = json.dumps(body).encode()
        handler.start(content_length=str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def says(text: str, *, finish: str = "stop", usage: dict[str, Any] | None = None) -> Answer:
    """A whole reply, not streamed."""
    counts = usage or {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return gives(
        {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": counts}
    )


def streams(
    *pieces: str,
    finish: str | None = "stop",
    usage: dict[str, Any] | None = None,
    pause: float = 0.0,
    stall_after: int | None = None,
    cut_after: int | None = None,
) -> Answer:
    """A streamed reply, one event a piece.

    ``finish`` None ends it properly but without a finish reason; ``pause`` is the seconds between pieces; after
    ``stall_after`` pieces nothing comes any more, after ``cut_after`` the connection is cut in mid-body.
    """

    def answer(handler: Handler) -> None:
        handler.start(content_type="text/event-stream", transfer_encoding="chunked")
        handler.end_headers()
        for number, piece in enumerate(pieces):
            if number == stall_after:
                _hang(handler)
            if number == cut_after:
                return
            handler.event(choices=[{"index": 0, "delta": {"role": "assistant", "content": piece}}])
            time.sleep(pause)
        if finish:
            handler.event(choices=[{"index": 0, "delta": {}, "finish_reason": finish}])
        if usage:
            handler.event(usage=usage)
        handler.chunk(b"data: [DONE]\n\n")
        handler.chunk(b"")

    return answer


def stalls(handler: Handler) -> None:
    """Accepts the request and never replies."""
    _hang(handler)


def _hang(handler: Handler) -> None:
    handler.connection.settimeout(10)
    try:
        if not handler.connection.recv(1):
            handler.server.hung_up.set()
    except (ConnectionError, TimeoutError):
        handler.server.hung_up.set()
    raise ConnectionError
