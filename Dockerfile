# The service image. It needs EXPOSURE_PUBLIC_URL=https://…, the address that the proxy in front of it serves (docs/operating.md). The first stage builds with the Makefile; the second runs the service as an unprivileged user.
FROM python:3.13-slim AS build
WORKDIR /srv/exposure
RUN apt-get update && apt-get install --yes --no-install-recommends make=4.* && rm -rf /var/lib/apt/lists/*
COPY Makefile pyproject.toml requirements.txt README.md ./
COPY app ./app
RUN make setup

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /srv/exposure exposure \
    && install --directory --owner exposure --mode 0700 /srv/exposure/data
WORKDIR /srv/exposure
COPY --from=build /srv/exposure /srv/exposure
COPY alembic.ini ./
COPY migrations ./migrations
ENV PATH=/srv/exposure/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:8000/healthz').raise_for_status()"]
ENTRYPOINT ["exposure"]
CMD ["serve", "--host", "0.0.0.0"]
