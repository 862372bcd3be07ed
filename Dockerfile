# Paths in RUN are relative, because test/slow/container.spec.ts runs these lines in a folder.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src ./src
# The sandbox is for development; production never loads it.
RUN npm run build && rm -r dist/sandbox && mkdir data
# A short name for the commands: `docker run IMAGE otp doctor`.
RUN mkdir bin && ln -s ../dist/cli/main.js bin/otp && chmod +x dist/cli/main.js

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PATH=/app/bin:$PATH
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/bin ./bin
COPY package.json LICENSE ./
# Folder of the SQLite file. With DATABASE_URL the container writes no files.
COPY --from=build --chown=1000:1000 /app/data ./data
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The same options as `npm run start:prod`; docs/operating.md explains them.
CMD ["node", "--enable-source-maps", "--max-semi-space-size=8", "--no-allocation-site-pretenuring", "--heap-growing-percent=100", "dist/main.js"]
