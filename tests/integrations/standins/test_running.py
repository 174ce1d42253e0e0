from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from integrations.standins.app import DATABASE, Running
from integrations.standins.faults import FaultError, Faults
from integrations.standins.store import Store
from tests.integrations.standins.conftest import Start, hubspot_at

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def serve(port: int, data: Path) -> subprocess.Popen[str]:
    ports = ["--port", str(port), "--smtp-port", str(free_port())]
    command = [sys.executable, "-m", "integrations.standins", *ports, "--data", str(data), "--empty"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    assert "Demo Salesforce and Demo HubSpot at" in process.stdout.readline()
    return process


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    port = free_port()
    process = serve(port, tmp_path)
    running = Running(f"http://127.0.0.1:{port}", None, None)  # type: ignore[arg-type]  # only the address is used
    made = [
        hubspot_at(running).crm.contacts.basic_api.create({"properties": {"firstname": f"N{n}"}}).id
        for n in range(5)
    ]
    process.kill()
    process.wait()
    again = serve(port, tmp_path)
    try:
        found = [c.id for c in hubspot_at(running).crm.contacts.basic_api.get_page().results]
        assert found == made
    finally:
        again.send_signal(signal.SIGTERM)
        assert again.wait(timeout=20) == 0


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "manage.py", "standins", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(
            [*command, "--data", str(tmp_path), "--empty"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot listen" in done.stderr


def test_mail_ends_in_the_sink_and_is_shown_once(start: Start) -> None:
    running = start(smtp_port=free_port())
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = (
        "Late: Ardent <b>",
        "gtmops@fernhill.example",
        "rey@fernhill.example",
    )
    message["Message-ID"] = "<one@gtmops>"
    message.set_content("Due 5 min ago")
    with smtplib.SMTP("127.0.0.1", running.smtp_port or 0) as smtp:
        for _ in range(2):
            smtp.send_message(message)
    once = requests.get(f"{running.base_url}/mail", timeout=10).text
    every = requests.get(f"{running.base_url}/mail?all=1", timeout=10).text
    assert (once.count("/mail/"), every.count("/mail/")) == (1, 2)
    assert "Late: Ardent &lt;b&gt;" in once
    assert "Due 5 min ago" in requests.get(f"{running.base_url}/mail/1", timeout=10).text


@pytest.mark.parametrize("spec", ["nothing:1", "429:often", "500"])
def test_a_fault_is_known_and_a_number(spec: str) -> None:
    if spec == "500":
        assert len(Faults.parse(spec).faults) == 1
        return
    with pytest.raises(FaultError):
        Faults.parse(spec)


@pytest.mark.parametrize(
    ("faults", "path", "status"),
    [
        ("429:1", "/crm/v3/objects/contacts", {429}),
        ("429:1", "/services/data/v62.0/limits", {403}),
        ("500:1", "/crm/v3/objects/contacts", {500, 502, 503, 504}),
        ("daily:1", "/account-info/v3/details", {429}),
    ],
)
def test_a_fault_hits_the_api_and_not_the_pages(
    start: Start, faults: str, path: str, status: set[int]
) -> None:
    running = start(faults=faults)
    assert requests.get(running.base_url + path, timeout=10).status_code in status
    assert requests.get(f"{running.base_url}/hubspot", timeout=10).status_code == 200


def fail_inside(store: Store) -> None:
    with store.transaction():
        store.set_meta("lost", 1)
        raise RuntimeError


def test_a_transaction_that_fails_inside_another_takes_only_itself_back(tmp_path: Path) -> None:
    store = Store(tmp_path / DATABASE)
    with store.transaction():
        store.set_meta("kept", 1)
        with pytest.raises(RuntimeError):
            fail_inside(store)
    assert (store.meta("kept"), store.meta("lost")) == (1, None)
    store.close()
