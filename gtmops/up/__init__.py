"""`python -m gtmops up`: the whole product on one machine, as one foreground process.

PostgreSQL and Valkey come first (unless DATABASE_URL and REDIS_URL name others), then migrations, then the children.
A dead child is started again. Ctrl-C ends all in order. Even kill -9 of this process takes the children along, and
what it leaves behind the next start ends before it begins.
"""

from gtmops.up.place import DEFAULT_PORT
from gtmops.up.runner import up

__all__ = ["DEFAULT_PORT", "up"]
