# The CPU worker: workflows, decoding with ffmpeg, rendering slides with LibreOffice, preprocessing.
# Build from the root of the repository:
#   docker build -f deploy/worker-cpu.Dockerfile -t frameloom-worker-cpu .

FROM node:20.19-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20.19-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Removes native libraries for other platforms: 330 MB less.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
 && rm -r node_modules/onnxruntime-node/bin/napi-v*/darwin node_modules/onnxruntime-node/bin/napi-v*/win32

FROM node:20.19-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg fonts-liberation libreoffice-impress \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Limits the growth of memory over days; cli/embedded/roles.ts has the measurements.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    FRAMELOOM_HOME=/data
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY models ./models
COPY deploy/healthcheck.mjs ./deploy/healthcheck.mjs
COPY --from=build /app/dist ./dist
RUN install -d -o node -g node /data
# Only /data (artifacts) and /tmp are written; the rest can be mounted read-only.
VOLUME ["/data"]
USER node
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "deploy/healthcheck.mjs", "cpu"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/cli/main.js", "worker", "cpu"]
