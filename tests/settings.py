"""The settings for tools that read them but touch no server: mypy, the lints."""

from __future__ import annotations

import os

os.environ.setdefault("DATABASE_URL", "postgres://nobody@/nothing?host=/nonexistent")
os.environ.setdefault("REDIS_URL", "unix:///nonexistent/redis.sock")
os.environ.setdefault("SECRET_KEY", "only-for-tools-that-touch-no-server-0123456789-abcdefghijk")
os.environ.setdefault("GTMOPS_ENCRYPTION_KEYS", "b25seS1mb3ItdG9vbHMtd2l0aG91dC1hLXNlcnZlciE=")

from gtmops.settings import *  # noqa: F403
