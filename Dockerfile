# syntax=docker/dockerfile:1
# One image for all roles: docker run serinus ingest|score|serve|topics|run|demo|verify.
FROM python:3.12-slim AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# What the application needs, each file checked against its hash. Changes seldom, so it is a layer of its own.
COPY requirements.lock ./
RUN python -m venv /opt/serinus && /opt/serinus/bin/pip install --require-hashes --no-deps -r requirements.lock

# What builds its wheel: hatchling and its own dependencies, with the hashes of requirements-dev.lock.
COPY requirements-dev.lock ./
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|trove-classifiers)==/ } wanted' \
        requirements-dev.lock > build.lock \
    && pip install --require-hashes --no-deps -r build.lock

COPY pyproject.toml README.md LICENSE ./
COPY deploy/kafka/topics.toml deploy/kafka/
COPY streams streams
COPY topology topology
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/serinus/bin/pip install --no-deps --no-index /wheels/serinus-*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/serinus --create-home --shell /usr/sbin/nologin serinus
COPY --from=build /opt/serinus /opt/serinus
ENV PATH=/opt/serinus/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/serinus
STOPSIGNAL SIGTERM
ENTRYPOINT ["serinus"]
# An AnalysisTemplate's job that names no command, as that of the verification job that is replaced, means this one.
CMD ["verify"]
