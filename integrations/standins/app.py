"""Puts the stand-ins together: one store, one port, one application."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from integrations.standins.faults import Faults
from integrations.standins.http import Refused, Request, Response, Router, Server
from integrations.standins.hubspot_api import HubspotApi
from integrations.standins.identity_api import IdentityApi
from integrations.standins.load import complete_schema, load_world
from integrations.standins.mail import start_sink
from integrations.standins.salesforce_api import SalesforceApi
from integrations.standins.slack_api import SlackApi
from integrations.standins.store import Store
from integrations.standins.webhooks import Webhooks
from integrations.standins.world import World

logger = logging.getLogger(__name__)

API_PREFIXES = ("/services/", "/crm/", "/crm-object-schemas/", "/account-info/", "/oauth/", "/api/")
DATABASE = "standins.sqlite3"


class Application:
    """A function from request to response over one store. ``observers`` are told of every request to an API and of
    its answer; a test sets them for all applications at once."""

    observers: ClassVar[list[Callable[[Request, Response], None]]] = []

    def __init__(self, store: Store, faults: Faults | None = None) -> None:
        from integrations.standins.pages.views import Pages

        self.store = store
        self.faults = faults or Faults()
        self.faults.prepare(store)
        complete_schema(store)
        self.router = Router()
        self.salesforce = SalesforceApi(store, self.faults)
        self.hubspot = HubspotApi(store, self.faults)
        self.slack = SlackApi(store)
        self.identity = IdentityApi(store)
        self.webhooks = Webhooks(store, self.faults)
        self.pages = Pages(store)
        for part in (self.salesforce, self.hubspot, self.slack, self.identity, self.webhooks, self.pages):
            part.routes(self.router)

    def __call__(self, request: Request) -> Response:
        is_api = request.path.startswith(API_PREFIXES)
        if is_api:
            hit = self.faults.before(request)
            if hit is not None:
                return hit
        found = self.router.find(request.method, request.path)
        if found is None:
            return (
                self.pages.not_found(request)
                if not is_api
                else Response(404, b"<html><body>Not Found</body></html>")
            )
        handler, parts = found
        try:
            response: Response = handler(request, **parts)
        except Refused as refused:
            response = refused.response
        if is_api:
            self.faults.after(request, response)
            for observe in self.observers:
                observe(request, response)
        return response


@dataclass
class Running:
    """What ``running_standins`` gives: addresses, and the store and application to look into."""

    base_url: str
    store: Store
    application: Application
    smtp_port: int | None = None

    def __str__(self) -> str:
        return self.base_url


@contextmanager
def serving(
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Faults | None = None,
    smtp_port: int | None = None,
) -> Iterator[Running]:
    """Serve ``store`` in threads until the block ends. ``port`` 0 = any free one; ``smtp_port`` None = no mail sink."""
    application = Application(store, faults)
    server = Server((host, port), application)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="standins", daemon=True
    )
    sink: Any = start_sink(store, host, smtp_port) if smtp_port is not None else None
    thread.start()
    application.webhooks.start()
    try:
        yield Running(f"http://{host}:{server.server_port}", store, application, smtp_port)
    finally:
        application.webhooks.stop()
        server.shutdown()
        server.server_close()
        thread.join()
        if sink is not None:
            sink.stop()


@contextmanager
def running_standins(
    world: World, *, faults: str = "", data: Path | None = None, smtp_port: int | None = None
) -> Iterator[Running]:
    """For tests: the stand-ins with this world on a free port; ``.base_url``, ``.store``, ``.application``."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store((data or Path(folder)) / DATABASE)
        try:
            load_world(store, world)
            with serving(store, faults=Faults.parse(faults), smtp_port=smtp_port) as running:
                yield running
        finally:
            store.close()
