# syntax=docker/dockerfile:1

# A server binary of this workspace in a small image, run by a user without rights.
#
#   docker build --tag syncline .                                  the stock binary, syncline-server
#   docker build --tag ours --build-arg PACKAGE=ours .             any other package
#   docker build --tag playground --build-arg PACKAGE=playground --build-arg PAGE=page .
#                                                                 the one that carries a page
#
# The dependencies are a layer of their own, made by cargo-chef, and not a BuildKit cache mount: a mount stays on the
# machine that built it, while a layer goes to the cache that CI exports, where every build starts on a new machine.

# As in rust-toolchain.toml: `deploy/check/drift.py` fails when they differ.
ARG RUST_VERSION=1.95.0
ARG NODE_VERSION=24
ARG DEBIAN=bookworm
# The package to build, its binary if that has another name, and the stage that makes its page: `no-page` or `page`.
ARG PACKAGE=syncline-server
ARG BINARY=${PACKAGE}
ARG PAGE=no-page


FROM rust:${RUST_VERSION}-slim-${DEBIAN} AS chef
# rust-toolchain.toml names rustfmt and clippy too, which a build does not need. Said here, the toolchain of the image
# is taken as it is, and rustup downloads nothing.
ARG RUST_VERSION
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION}
RUN cargo install cargo-chef --locked --version 0.1.78
WORKDIR /src


# What the dependencies are: all that the next stage's cached layer depends on.
FROM chef AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json


# The playground's page. BuildKit builds this stage only when PAGE names it.
FROM node:${NODE_VERSION}-${DEBIAN}-slim AS page
WORKDIR /src/client-ts
COPY client-ts ./
RUN npm ci --no-audit --no-fund && npm run build
WORKDIR /src/examples/playground/web
COPY examples/playground/web ./
RUN npm ci --no-audit --no-fund && npm run build && cp -r dist /dist

FROM scratch AS no-page
WORKDIR /dist

FROM ${PAGE} AS chosen-page


FROM chef AS build
ARG PACKAGE
ARG BINARY
COPY --from=recipe /src/recipe.json recipe.json
RUN cargo chef cook --release --locked --package "${PACKAGE}" --recipe-path recipe.json
COPY . .
COPY --from=chosen-page /dist/ examples/playground/web/dist/
RUN if [ "${PACKAGE}" = playground ] && [ ! -e examples/playground/web/dist/index.html ]; then \
        echo "the playground carries a page: add --build-arg PAGE=page" >&2; exit 1; \
    fi; \
    cargo build --release --locked --package "${PACKAGE}" \
    && install -D "target/release/${BINARY}" /out/bin/server \
    && install -d /out/data


# The same Debian as the build's, for its glibc. Nothing is installed: the binary needs libc, libm and libgcc_s.
FROM debian:${DEBIAN}-slim
COPY --from=build /out/bin/server /usr/local/bin/server
# The authorities whose certificates are trusted, for a Redis with TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=10001:10001 /out/data /data
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Where `syncline.toml` is read from, if one is mounted.
WORKDIR /etc/syncline
# In production mode the server does not start without a secret: see docs/deploy.md.
ENV SYNCLINE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4000 \
    DATA_DIR=/data \
    LOG_FORMAT=json
EXPOSE 4000
# By the shell of the image, which can open a connection: nothing is installed for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>\"/dev/tcp/127.0.0.1/$PORT\" && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -rt 2 status <&3 && [[ $status == 'HTTP/1.1 200 '* ]]"]
ENTRYPOINT ["/usr/local/bin/server"]
