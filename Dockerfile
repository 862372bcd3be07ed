# Targets: the service (the default), `sandbox` (the emulator alone) and `trial` (both, to try the service).
# Paths in RUN are relative, because test/slow/container.spec.ts runs these lines in a folder.

# To build on one exact base, give its digest: docs/deploying.md says how.
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src ./src
# The sandbox is for development; production never loads it.
RUN npm run build && mv dist/sandbox sandbox && mkdir -m 700 data
# A short name for the commands: `docker run IMAGE otp doctor`.
RUN mkdir bin && ln -s ../dist/cli/main.js bin/otp && chmod +x dist/cli/main.js

FROM build AS sandbox-package
COPY LICENSE ./
COPY docs/sandbox.md ./docs/
COPY scripts/sandbox-package.mjs ./scripts/
RUN npm run sandbox:package

FROM ${BASE_IMAGE} AS sandbox
WORKDIR /app
COPY --from=sandbox-package /app/dist/infobip-sandbox .
ARG BASE_IMAGE
ARG REVISION=unknown
LABEL org.opencontainers.image.title="infobip-sandbox" \
  org.opencontainers.image.description="Simulates Infobip 2FA and Sinch Verification, to test code in any language without an account or a message" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="${BASE_IMAGE}"
USER 1000:1000
ENV SANDBOX_HOST=0.0.0.0
EXPOSE 3999
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SANDBOX_PORT || 3999}/sandbox/clock`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "main.js"]

FROM ${BASE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${BASE_IMAGE} AS runtime
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
ARG BASE_IMAGE
# The commit of the source.
ARG REVISION=unknown
LABEL org.opencontainers.image.title="otp-service" \
  org.opencontainers.image.description="Self-hosted HTTP microservice that sends one-time passwords to phones and checks them, in front of Infobip 2FA or Sinch Verification" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="${BASE_IMAGE}"
USER 1000:1000

FROM runtime AS service
ENV NODE_ENV=production HOST=0.0.0.0 PATH=/app/bin:$PATH
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
# Folder of the SQLite file. With DATABASE_URL the container writes no files.
COPY --from=build --chown=1000:1000 /app/data ./data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The same options as `npm run start:prod`; docs/operating.md explains them.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "--no-parallel-scavenge", "--heap-growing-percent=100", "dist/main.js"]

FROM service AS trial
ENV NODE_ENV=development SANDBOX_HOST=0.0.0.0 LOG_LEVEL=warn
COPY --from=build /app/sandbox ./dist/sandbox
COPY deploy/trial.sh ./
# Writable also with `docker run --read-only`.
VOLUME /app/data
EXPOSE 3999
CMD ["sh", "trial.sh"]

# The last stage is what `docker build .` makes.
FROM service
