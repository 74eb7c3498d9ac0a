# Stand-in for docker.io/library/python:X.Y-slim-SUITE, with Debian's Python.
# The arm64 root was unpacked on this machine and never run.
ARG SUITE
FROM debian:${SUITE}-slim AS root-amd64
ARG PYTHON
RUN --mount=source=setup.sh,target=/setup.sh apt-get update && \
    apt-get install -y --no-install-recommends python${PYTHON} python${PYTHON}-venv ca-certificates netbase tzdata && \
    sh /setup.sh "" ${PYTHON}

FROM scratch AS root-arm64
ARG SUITE
ADD ${SUITE}-arm64.tar /

FROM root-${TARGETARCH} AS python
ARG PYTHON_VERSION
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PYTHON_VERSION=${PYTHON_VERSION}
CMD ["python3"]

FROM scratch AS version
COPY --from=root-amd64 /usr/local/share/python-version /

FROM python
