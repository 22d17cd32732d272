# The worker's image: `docker build -t kit-worker .`
# What it installs is locked by version and hash in requirements/, the package itself included.

ARG PYTHON_IMAGE=python:3.13.14-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes rarely comes first, so that a change of the code costs no download.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /build \
 && /build/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt \
 && python -m venv --without-pip /opt/kit-worker \
 && /build/bin/python -m pip --python /opt/kit-worker/bin/python install \
        --require-hashes --only-binary :all: -r requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY worker/ worker/
RUN /build/bin/python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && /build/bin/python -m pip --python /opt/kit-worker/bin/python install --no-deps --no-index dist/*.whl \
 && /build/bin/python -m pip --python /opt/kit-worker/bin/python check


FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="kit-worker" \
      org.opencontainers.image.description="Keeps Kit accounts in step with a membership platform's events, from RabbitMQ." \
      org.opencontainers.image.licenses="MIT"

# The numbers are part of the contract: whoever mounts key files makes them readable for 10001.
RUN groupadd --gid 10001 kit && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app kit
COPY --from=build /opt/kit-worker /opt/kit-worker

# Every module is compiled already, so nothing has to be written at run time.
ENV PATH=/opt/kit-worker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CONFIG_DIR=/app/config \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080
WORKDIR /app
USER 10001:10001
EXPOSE 8080

# By http.client, which no HTTP_PROXY in the environment leads astray.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-Sc", "import os, sys, http.client as h; c = h.HTTPConnection('127.0.0.1', int(os.environ['HTTP_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

# The exec form: SIGTERM reaches the worker itself, not a shell around it.
ENTRYPOINT ["kit-worker"]
CMD ["run"]
