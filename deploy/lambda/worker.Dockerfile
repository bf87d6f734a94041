# The CPU worker as a Lambda function: extraction and preprocessing, without workflows and LibreOffice.
# Build from the root of the repository:
#   docker build -f deploy/lambda/worker.Dockerfile -t frameloom-lambda-cpu .

FROM public.ecr.aws/lambda/nodejs:22 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM public.ecr.aws/lambda/nodejs:22 AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Removes native libraries for other platforms, and ONNX Runtime, which a CPU worker does not use.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
 && rm -r node_modules/onnxruntime-node/bin

FROM mwader/static-ffmpeg:7.1 AS ffmpeg

FROM public.ecr.aws/lambda/nodejs:22
# Otherwise glibc does not return the memory of large images (measurements: cli/embedded/roles.ts).
ENV MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=1048576
COPY --from=ffmpeg /ffmpeg /ffprobe /usr/local/bin/
COPY --from=packages /app/node_modules ${LAMBDA_TASK_ROOT}/node_modules
COPY package.json LICENSE ${LAMBDA_TASK_ROOT}/
COPY models ${LAMBDA_TASK_ROOT}/models
COPY --from=build /app/dist ${LAMBDA_TASK_ROOT}/dist
CMD ["dist/deploy/lambda/worker.handler"]
