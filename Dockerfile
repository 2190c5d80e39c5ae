# One image of the product: the checkout, its locked packages and the browser bundles.
# Mirrors: --build-arg IMAGE_PREFIX=... PIP_INDEX_URL=... NPM_CONFIG_REGISTRY=...
#
# The base is pinned by its exact tag. Where it has to be the same bytes for ever, give its digest,
# which `docker buildx imagetools inspect` tells of the registry that you build from:
#   --build-arg PYTHON_IMAGE=python:3.13.7-slim-bookworm@sha256:...
ARG IMAGE_PREFIX=
ARG PYTHON_IMAGE=python:3.13.7-slim-bookworm

FROM ${IMAGE_PREFIX}${PYTHON_IMAGE} AS packages
ARG PIP_INDEX_URL
WORKDIR /app
COPY . .
RUN python -m scripts.set_up python

# Node.js and what npm brings stay behind in this stage; only the bundles leave it.
FROM packages AS bundles
ARG PIP_INDEX_URL
ARG NPM_CONFIG_REGISTRY
RUN python -m scripts.set_up bundles

FROM ${IMAGE_PREFIX}${PYTHON_IMAGE}
WORKDIR /app
COPY --from=packages /app /app
COPY --from=bundles /app/web/static/dist /app/web/static/dist
# The font of PDFs (Debian: fonts-noto-cjk).
RUN python -m scripts.set_up font && rm -rf /var/lib/apt/lists/*
# A new volume takes over the owner of the folder that it is mounted on; these are volumes of
# docker-compose.yml.
RUN groupadd --system --gid 10001 watchkeeper \
 && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/watchkeeper watchkeeper \
 && install -d -o 10001 -g 10001 -m 0750 /broker /broker-data /proxy
USER 10001:10001
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHKEEPER_DATA_DIR=/var/lib/watchkeeper
VOLUME /var/lib/watchkeeper
EXPOSE 8080 1883
ENTRYPOINT ["watchkeeper"]
CMD ["up"]
