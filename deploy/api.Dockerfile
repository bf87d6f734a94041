# The API and the console.
# Build from the root of the repository:
#   docker build -f deploy/api.Dockerfile -t frameloom-api .

FROM node:20.19-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:20.19-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The API needs neither Temporal's native core nor the model runtime: 430 MB less.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -r node_modules/@temporalio/core-bridge/releases node_modules/onnxruntime-node

FROM node:20.19-bookworm-slim
WORKDIR /app
# Limits the growth of memory over days; cli/embedded/roles.ts has the measurements.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
    FRAMELOOM_HOME=/data \
    FRAMELOOM_HOST=0.0.0.0 \
    FRAMELOOM_PORT=8484
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY deploy/healthcheck.mjs ./deploy/healthcheck.mjs
COPY --from=build /app/dist ./dist
RUN install -d -o node -g node /data
# Only /data (artifacts) and /tmp are written; the rest can be mounted read-only.
VOLUME ["/data"]
USER node
EXPOSE 8484
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["node", "deploy/healthcheck.mjs", "api"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/cli/main.js", "serve"]
