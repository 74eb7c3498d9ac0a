# The peer of the benchmark: what uv's guide for Docker recommends
# (docs/guides/integration/docker.md, "Intermediate layers"), without the
# project itself, which an ImageSpec does not install either.
FROM python:3.11-slim-bookworm
COPY --from=uv /uv /bin/
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt uv sync --locked --no-install-project --no-dev
