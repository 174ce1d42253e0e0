"""Whether a port of this machine is free, listens, or answers as it should."""

from __future__ import annotations

import errno
import socket
import urllib.error
import urllib.request

from gtmops.up.place import DEFAULT_PORT, UpError


def require_free(port: int, *, asked: int, needed_by: str = "") -> None:
    """Raises UpError naming the port and the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            if fault.errno == errno.EACCES:
                raise UpError(f"Port {port} is for root only. Take another: --port {DEFAULT_PORT}.") from None
            what = f", which {needed_by} needs," if needed_by else ""
            raise UpError(
                f"Port {port}{what} is taken by another program. Take another: --port {asked + 10} "
                f"(make run ARGS='--port {asked + 10}')."
            ) from None


def answers(url: str) -> bool:
    """Whether a GET is answered with 200 within two seconds."""
    # No proxy of the environment: this is our own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def listens(port: int) -> bool:
    """Whether something takes connections there, within a second."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
