# One image of the product: the checkout, its locked packages and the browser bundles.
# Mirrors: --build-arg IMAGE_PREFIX=... PIP_INDEX_URL=... NPM_CONFIG_REGISTRY=...
ARG IMAGE_PREFIX=

FROM ${IMAGE_PREFIX}python:3.13-slim AS packages
ARG PIP_INDEX_URL
WORKDIR /app
COPY . .
RUN python -m scripts.set_up python

# Node.js and what npm brings stay behind in this stage; only the bundles leave it.
FROM packages AS bundles
ARG PIP_INDEX_URL
ARG NPM_CONFIG_REGISTRY
RUN python -m scripts.set_up bundles

FROM ${IMAGE_PREFIX}python:3.13-slim
WORKDIR /app
COPY --from=packages /app /app
COPY --from=bundles /app/web/static/dist /app/web/static/dist
# The font of PDFs (Debian: fonts-noto-cjk).
RUN python -m scripts.set_up font && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/watchkeeper watchkeeper
USER watchkeeper
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WATCHKEEPER_DATA_DIR=/var/lib/watchkeeper
VOLUME /var/lib/watchkeeper
EXPOSE 8080 1883
ENTRYPOINT ["watchkeeper"]
CMD ["up"]
