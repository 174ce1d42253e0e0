# One image for web, worker, beat and ticker; what a container does is its command (docker-compose.yml).
FROM node:22-slim AS assets
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY assets assets
RUN npm run build

FROM python:3.11-slim AS packages
COPY requirements/bootstrap.txt requirements/base.txt /requirements/
RUN pip install --no-cache-dir --require-hashes -r /requirements/bootstrap.txt \
    && python -m venv /venv \
    && VIRTUAL_ENV=/venv uv pip install --no-cache --require-hashes --compile-bytecode -r /requirements/base.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=gtmops.settings \
    GTMOPS_COLLECTED_STATIC=1 \
    GTMOPS_DATA=/data
RUN useradd --system --uid 10001 --home-dir /data --create-home gtmops
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py LICENSE ./
COPY teams teams
COPY effects effects
COPY records records
COPY definitions definitions
COPY slas slas
COPY handoffs handoffs
COPY scorecards scorecards
COPY integrations integrations
COPY gtmops gtmops
COPY templates templates
COPY --from=assets /build/assets/dist assets/dist
# Collecting reads the settings but reaches no server, so these values only have to be there.
RUN DATABASE_URL=postgres://nobody@/nothing REDIS_URL=unix:///nothing SECRET_KEY=only-for-collecting \
    GTMOPS_ENCRYPTION_KEYS=none python manage.py collectstatic --no-input -v 0
USER gtmops
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "gtmops.wsgi", "--bind", "0.0.0.0:8000", "--preload", "--worker-class", "gthread", \
     "--workers", "3", "--threads", "4", "--timeout", "60", "--graceful-timeout", "20", "--no-control-socket", \
     "--worker-tmp-dir", "/dev/shm", "--max-requests", "5000", "--max-requests-jitter", "500"]
