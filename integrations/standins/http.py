"""A small threaded HTTP/1.1 server with keep-alive: request in, function by path, response out."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

logger = logging.getLogger(__name__)

Handler = Callable[..., "Response"]


@dataclass
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a posted form; of a repeated one the values joined by ``;``, as multi-selects are stored."""
        out: dict[str, str] = {}
        for name, value in parse_qsl(self.body.decode(), keep_blank_values=True):
            out[name] = f"{out[name]};{value}" if name in out else value
        return out

    @cached_property
    def cookies(self) -> dict[str, str]:
        return {k: v.value for k, v in SimpleCookie(self.headers.get("Cookie", "")).items()}

    @property
    def host(self) -> str:
        return f"http://{self.headers.get('Host', '127.0.0.1')}"

    def arg(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """The body; raises ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """The connection is closed instead of answering."""
    pieces: Iterable[bytes] | None = None
    """Sent after the body, one by one and with no word of how many there are, until the caller hangs up."""


class Refused(Exception):  # not an error of ours: the answer itself, raised from any depth
    """An answer that ends the request."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(data, ensure_ascii=False).encode()
    return Response(status, body, "application/json;charset=UTF-8", headers or {})


def redirect(to: str) -> Response:
    return Response(303, headers={"Location": to})


class Router:
    """Routes such as ``/crm/v3/objects/{type}/{id}``; a handler takes the request and the parts by name."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        regex = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((method, re.compile(f"{regex}/?"), handler))

    def route(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self.add(method, pattern, handler)
            return handler

        return decorate

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        for verb, regex, handler in self._routes:
            match = regex.fullmatch(path) if verb == method else None
            if match:
                return handler, {k: unquote(v) for k, v in match.groupdict().items()}
        return None


class Server(ThreadingHTTPServer):
    """Serves one application: a function from request to response."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], application: Callable[[Request], Response]) -> None:
        self.application = application
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The standard one asks the name service for our own name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        host, port = self.socket.getsockname()[:2]
        self.server_address = (host, port)
        self.server_name, self.server_port = host, port

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a client hung up: %s", client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "standin"
    sys_version = ""
    wbufsize = 1 << 16
    timeout = 300

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        request = Request(self.command, self.path, self.headers, body)  # type: ignore[arg-type]  # a Message is read as a mapping
        server: Server = self.server  # type: ignore[assignment]  # only Server makes these
        started = time.monotonic()
        try:
            response = server.application(request)
        except Refused as refused:
            response = refused.response
        except Exception:
            logger.exception("%s %s failed", self.command, self.path)
            response = Response(500, b"The stand-in failed; its log says why.", "text/plain")
        logger.debug(
            "%s %s %s %.0f ms", self.command, self.path, response.status, (time.monotonic() - started) * 1000
        )
        if response.is_cut:
            self.close_connection = True
            return
        self.send_response(response.status, _phrase(response.status))
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", response.content_type)
            if response.pieces is None:
                self.send_header("Content-Length", str(len(response.body)))
            else:
                self.send_header("Connection", "close")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
            for piece in response.pieces or ():
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815  # the names http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of the base class
        pass


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
