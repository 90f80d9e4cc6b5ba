# The image of all our own processes: migrations, worker, sources, registration form, live board.
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/production.txt requirements/build.txt requirements/
RUN python -m venv /opt/kommuncenter \
    && /opt/kommuncenter/bin/pip install --quiet --require-hashes --requirement requirements/production.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY producers producers
COPY streams streams
COPY dashboards dashboards
COPY kommuncenter kommuncenter
RUN /opt/build/bin/hatchling build --target wheel --directory /tmp/wheel \
    && /opt/kommuncenter/bin/pip install --quiet --no-deps /tmp/wheel/*.whl

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/kommuncenter --shell /usr/sbin/nologin kommuncenter
COPY --from=build /opt/kommuncenter /opt/kommuncenter
ENV PATH=/opt/kommuncenter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER kommuncenter
# Journals of the sources and of the desk are kept here: a volume in production.
WORKDIR /var/lib/kommuncenter
CMD ["kommuncenter", "--help"]
