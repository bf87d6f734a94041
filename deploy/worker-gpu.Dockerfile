# The GPU worker, which runs the model. Build from the root of the repository, with one of two targets:
#   NVIDIA, linux/amd64:
#     docker build -f deploy/worker-gpu.Dockerfile --target cuda -t frameloom-worker-gpu:0.1.0-cuda .
#   CPU only:
#     docker build -f deploy/worker-gpu.Dockerfile -t frameloom-worker-gpu:0.1.0 .

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

# The npm package does not contain the CUDA 12 and TensorRT providers. Its install script downloads them from
# NuGet, in the version of the package's own library. All other install scripts stay disabled.
FROM packages AS packages-cuda
RUN ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node \
 && test -f node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so

# CUDA 12 and cuDNN 9, which ONNX Runtime 1.30 is built against. The host provides the driver. Node.js is one
# file.
FROM nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04 AS cuda
COPY --from=build /usr/local/bin/node /usr/local/bin/node
RUN userdel --remove ubuntu && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
WORKDIR /app
# Limits the growth of memory over days; cli/embedded/roles.ts has the measurements.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
    FRAMELOOM_HOME=/data \
    FRAMELOOM_MODEL_PROVIDER=cuda \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-cuda /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY models ./models
COPY deploy/healthcheck.mjs ./deploy/healthcheck.mjs
COPY --from=build /app/dist ./dist
RUN install -d -o node -g node /data
VOLUME ["/data"]
USER node
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 CMD ["node", "deploy/healthcheck.mjs", "gpu"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/cli/main.js", "worker", "gpu"]

FROM node:20.19-bookworm-slim
WORKDIR /app
# Limits the growth of memory over days; cli/embedded/roles.ts has the measurements.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
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
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 CMD ["node", "deploy/healthcheck.mjs", "gpu"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/cli/main.js", "worker", "gpu"]
