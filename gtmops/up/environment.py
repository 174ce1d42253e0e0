"""The variables that the children find set, and the secrets kept between starts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence

from gtmops.embedded import Postgres, Server
from gtmops.up.place import Place, write_private

MARK = "GTMOPS_CHILD_OF"  # in the environment of every child, so that the next start finds what a crash left


def environment_of(place: Place, servers: Sequence[Server]) -> dict[str, str]:
    """What the children find set; what the caller has set goes before our defaults."""
    env = dict(os.environ)
    for server in servers:
        env["DATABASE_URL" if isinstance(server, Postgres) else "REDIS_URL"] = server.url
    env[MARK] = str(place.data_dir)
    env["GTMOPS_DATA"] = str(place.data_dir)
    env["GTMOPS_EMBEDDED"] = "1"
    env["GTMOPS_DEMO"] = "1" if place.demo else "0"
    env["PYTHONUNBUFFERED"] = "1"
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # with it every start compiles everything anew, for seconds
    env["DJANGO_SETTINGS_MODULE"] = "gtmops.settings"
    mail_dir = place.data_dir / "mail"
    mail_dir.mkdir(mode=0o700, exist_ok=True)
    defaults = {
        "GTMOPS_HTTPS": "0",
        "GTMOPS_SITE_URL": place.url,
        "EMAIL_URL": f"filemail://{mail_dir}",
        "SECRET_KEY": _kept_secret(place, "secret_key", lambda: secrets.token_urlsafe(50)),
        "GTMOPS_ENCRYPTION_KEYS": _kept_secret(place, "encryption_key", _new_fernet_key),
    }
    if place.demo:
        from integrations.standins import identity_api

        # On one machine, with two small CRMs of our own, the loop may turn as fast as one can watch it.
        defaults |= {
            "GTMOPS_STANDINS_URL": f"http://127.0.0.1:{place.standins_port}",
            "EMAIL_URL": f"smtp://127.0.0.1:{place.mail_port}",
            "GTMOPS_SLACK_URL": f"http://127.0.0.1:{place.standins_port}/api",
            "GTMOPS_SLACK_TOKEN": "xoxb-demo",
            "GTMOPS_OIDC_URL": f"http://127.0.0.1:{place.standins_port}{identity_api.PREFIX}",
            "GTMOPS_OIDC_CLIENT_ID": identity_api.CLIENT_ID,
            "GTMOPS_OIDC_CLIENT_SECRET": identity_api.CLIENT_SECRET,
            "GTMOPS_OIDC_DOMAINS": "fernhill.example",
            "GTMOPS_OIDC_LABEL": "Sign in with Fernhill ID",
            "GTMOPS_PULL_SECONDS": "3",
            "GTMOPS_SALESFORCE_OVERLAP_SECONDS": "30",
            "GTMOPS_HUBSPOT_OVERLAP_SECONDS": "30",
        }
    for variable, value in defaults.items():
        env.setdefault(variable, value)
    return env


def _kept_secret(place: Place, name: str, make: Callable[[], str]) -> str:
    path = place.data_dir / name
    if not path.exists():
        write_private(path, make() + "\n")
    return path.read_text().strip()


def runtime_env(env: Mapping[str, str]) -> str:
    """What `manage.py` needs in any other shell, as a file of variables."""
    ours = [key for key in env if key.startswith("GTMOPS_") and key != MARK]
    shown = ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_URL", *sorted(ours)]
    return "".join(f"{key}={env[key]}\n" for key in shown)


def _new_fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
