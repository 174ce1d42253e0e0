"""All settings, read once from the environment.

Needed: DATABASE_URL, REDIS_URL, SECRET_KEY, GTMOPS_ENCRYPTION_KEYS. `python -m gtmops up` makes them itself and
leaves them in `<data>/runtime.env`, so that `manage.py` finds the running servers from any shell.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from gtmops.logs import configure_logs
from gtmops.tuning import Tuning, TuningError
from teams.group_rules import GroupRuleError, GroupRules
from teams.sso.configured import SignOnError, SingleSignOn

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env.str("GTMOPS_DATA", default=str(BASE_DIR / "var")))
RUNTIME_ENV = DATA_DIR / "runtime.env"
if "DATABASE_URL" not in os.environ and os.access(RUNTIME_ENV, os.R_OK):
    environ.Env.read_env(str(RUNTIME_ENV))


def need(variable: str, remedy: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{variable} is not set. {remedy}")
    return value


STARTED_BY_UP = "Set it, or start the embedded servers once with `python -m gtmops up` (make run)."


def redis_urls(base: str) -> tuple[str, str]:
    """(broker, cache) of one Redis server, in databases 0 and 1: redis://, rediss:// or unix:///socket."""
    parts = urlsplit(base)
    if parts.scheme == "unix" and parts.path:
        return f"redis+socket://{parts.path}?virtual_host=0", f"unix://{parts.path}?db=1"
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return (
            urlunsplit(parts._replace(path="/0")),
            urlunsplit(parts._replace(path="/1")),
        )
    raise ImproperlyConfigured(
        f"REDIS_URL must look like redis://host:6379, rediss://… or unix:///path/to.sock, not {base!r}."
    )


# --- what this installation is --------------------------------------------------------------------

DEBUG = env.bool("GTMOPS_DEBUG", default=False)
DEMO = env.bool("GTMOPS_DEMO", default=False)  # the demo company and its stand-in CRMs
EMBEDDED = env.bool("GTMOPS_EMBEDDED", default=False)  # set by `python -m gtmops up`
HTTPS = env.bool("GTMOPS_HTTPS", default=True)  # False only where nobody but this machine can reach the pages
SITE_URL = env.str("GTMOPS_SITE_URL", default="https://localhost").rstrip("/")  # in mails and in CRM fields
SECRET_KEY = need("SECRET_KEY", "Set it to 50 or more random characters, kept secret and kept.")
# Fernet keys, comma-separated: the first encrypts, all decrypt. CRM tokens are kept with them.
ENCRYPTION_KEYS: list[str] = [
    key.strip()
    for key in need(
        "GTMOPS_ENCRYPTION_KEYS",
        "Make one with `python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`.",
    ).split(",")
    if key.strip()
]
# Hosts beside Salesforce's and HubSpot's own that a connection may name, e.g. a proxy; a leading dot takes subdomains.
CRM_HOSTS: list[str] = env.list("GTMOPS_CRM_HOSTS", default=[])
SLACK_TOKEN = env.str("GTMOPS_SLACK_TOKEN", default="").strip()  # of a bot; empty: nobody is told by Slack
SLACK_URL = env.str("GTMOPS_SLACK_URL", default="https://slack.com/api").rstrip("/")
STANDINS_URL = env.str("GTMOPS_STANDINS_URL", default="").rstrip("/")  # of the demo's stand-in CRMs, or empty

try:
    GTMOPS = Tuning.from_environ()
except TuningError as fault:
    raise ImproperlyConfigured(str(fault)) from None

_site_host = urlsplit(SITE_URL).hostname or "localhost"
ALLOWED_HOSTS: list[str] = env.list("GTMOPS_HOSTS", default=[_site_host, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("GTMOPS_TRUSTED_ORIGINS", default=[SITE_URL])

# --- the house ------------------------------------------------------------------------------------

ROOMS = ["teams", "effects", "records", "definitions", "slas", "handoffs", "scorecards", "integrations"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "template_partials",
    *ROOMS,
    "teams.sso",  # found by allauth as a provider
    "gtmops",
]

MIDDLEWARE = [
    "gtmops.middleware.request_log",
    "django.middleware.security.SecurityMiddleware",
    "gtmops.middleware.response_headers",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gtmops.middleware.session_ends",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pghistory.middleware.HistoryMiddleware",  # who made a change, beside the change
    "teams.middleware.AccessMiddleware",  # last, so that nothing runs after it but the view
]

ROOT_URLCONF = "gtmops.urls"
WSGI_APPLICATION = "gtmops.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # template_partials wraps these loaders
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gtmops.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS += ["django.forms"]

# --- PostgreSQL is the only truth; Redis may be lost ----------------------------------------------

need("DATABASE_URL", STARTED_BY_UP)
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("DATABASE_URL")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL: postgres://user:password@host/name.")
DATABASES["default"].update(
    CONN_MAX_AGE=env.int("GTMOPS_DB_KEEP_SECONDS", default=60),
    CONN_HEALTH_CHECKS=True,
    ATOMIC_REQUESTS=False,
)
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"].setdefault("application_name", "gtmops")
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 10)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_PREFIX = env.str("GTMOPS_REDIS_PREFIX", default="gtmops")  # where several share one Redis
_broker_url, _cache_url = redis_urls(need("REDIS_URL", STARTED_BY_UP))
CACHES = {
    "default": {
        "BACKEND": "gtmops.cache.ForgivingCache",
        "LOCATION": _cache_url,
        "KEY_PREFIX": REDIS_PREFIX,
        "TIMEOUT": 300,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}

# --- Celery: doorbells only -----------------------------------------------------------------------
# Early acknowledgement loses tasks of a killed worker; a killed child would acknowledge without reject_on_worker_lost.
# What Redis loses all the same, the tick finds in PostgreSQL.

CELERY_BROKER_URL = _broker_url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:",
    "visibility_timeout": 3600,  # above the longest task, or it runs twice
    "unacked_restore_interval": 2,  # kombu's own figures bring a killed worker's task back after 90 s
    "unacked_restore_throttle": 1,
    "max_retries": 1,  # of one ring: a page must not wait for a doorbell that is away
    "interval_start": 0,
    "interval_step": 0,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ACKS_ON_FAILURE_OR_TIMEOUT = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 110
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "gtmops"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # A tick that nobody fetched is worth nothing once the next one is due.
    "tick": {
        "task": "gtmops.tasks.tick",
        "schedule": GTMOPS.tick_seconds,
        "options": {"expires": max(GTMOPS.tick_seconds, 1.0)},
    },
}

# --- people and sessions --------------------------------------------------------------------------

AUTH_USER_MODEL = "teams.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
HOME_BY_ROLE = {"leader": "scorecards:map"}  # where leads get stuck; everybody else opens on My day
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "teams.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"  # an administrator makes the accounts
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to strangers, whoever types their address
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True  # ends by idleness and age, see gtmops.middleware.session_ends
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# Counted in the shared cache. Five wrong passwords or codes for one account, twenty from one address.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "20/15m/ip,5/15m/key",
    "reset_password": "20/15m/ip,5/15m/key",
    "reset_password_from_key": "20/15m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/15m/user",
}
# Sign-in with an identity provider; None without one.
try:
    SINGLE_SIGN_ON = SingleSignOn.from_environ(os.environ)
    GROUP_RULES = GroupRules.parse(
        env.str("GTMOPS_GROUPS", default=""), over_hand=env.bool("GTMOPS_GROUPS_OVER_HAND", default=False)
    )
except SignOnError as fault:
    raise ImproperlyConfigured(str(fault)) from None
except GroupRuleError as fault:
    raise ImproperlyConfigured(f"GTMOPS_GROUPS: {fault}") from None
PASSWORDS = env.bool("GTMOPS_PASSWORDS", default=True)  # False: nobody signs in with a password of ours
if not PASSWORDS and SINGLE_SIGN_ON is None:
    raise ImproperlyConfigured(
        "GTMOPS_PASSWORDS=0 needs an identity provider: set GTMOPS_OIDC_URL and the rest."
    )
SOCIALACCOUNT_ADAPTER = "teams.sso.adapter.SocialAccountAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "teams.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "gtmops"
# Roles that get nowhere before they have set up an authenticator app.
TOTP_REQUIRED_ROLES: list[str] = env.list(
    "GTMOPS_TOTP_ROLES", default=[] if DEMO else ["revops_admin", "system_admin"]
)
ACCESS_POLICY = "gtmops.policy.POLICY"
ACCESS_API_PREFIX = "/api/"
ACCESS_SCIM_PREFIX = "/scim/"

SESSION_ENGINE = "django.contrib.sessions.backends.db"  # Redis may be lost, sign-ins may not
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_AGE = GTMOPS.session_absolute_seconds
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-gtmops_session" if HTTPS else "gtmops_session"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-gtmops_csrf" if HTTPS else "gtmops_csrf"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- what a browser may do ------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes speak http inside the network
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("GTMOPS_TRUST_PROXY", default=False) else None
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- pages, files, mail ---------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in [BASE_DIR / "assets" / "dist"] if path.is_dir()]
# The image collects and names files by content; a checkout serves them from where they lie.
_collected = env.bool("GTMOPS_COLLECTED_STATIC", default=False)
STATIC_ROOT = BASE_DIR / "staticfiles" if _collected else None
WHITENOISE_USE_FINDERS = not _collected
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 31_536_000 if _collected else 60
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if _collected
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
MEDIA_ROOT = DATA_DIR / "files"

EMAIL_CONFIG: dict[str, Any] = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("GTMOPS_MAIL_FROM", default="gtmops <gtmops@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- the API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # Default deny: each view says who may, and a test holds every route to gtmops/policy.py.
    "DEFAULT_PERMISSION_CLASSES": ["teams.api_access.PolicyPermission"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "teams.api_access.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.str("GTMOPS_API_RATE", default="600/min")},
    "PAGE_SIZE": 100,
    "MAX_LIMIT": 500,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "gtmops",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "AppealReason": "slas.appeals.reasons.REASONS",
        "ClockState": "slas.models.Clock.State",
        "HandoffState": "handoffs.models.Handoff.State",
        "JudgementState": "definitions.models.JudgementState",
    },
}

# --- logs: one JSON line each, to stderr ----------------------------------------------------------

LOGGING_CONFIG = None
LOGGING = configure_logs(
    level=env.str("GTMOPS_LOG_LEVEL", default="INFO"),
    readable=env.bool("GTMOPS_READABLE_LOGS", default=False),
)
