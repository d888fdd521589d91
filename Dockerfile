# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches are not part of the image, so the binary is copied out of them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin pgwarden \
    && install -D -m 0755 target/release/pgwarden /out/usr/local/bin/pgwarden \
    && install -D -m 0644 -t /out/usr/share/doc/pgwarden LICENSE-MIT LICENSE-APACHE

# No shell, no package manager; certificates and user 65532 are there.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/ /
USER 65532:65532
EXPOSE 8432
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/pgwarden", "health", "--listen", "0.0.0.0:8432", "--config", "/etc/pgwarden/pgwarden.toml"]
ENTRYPOINT ["/usr/local/bin/pgwarden"]
CMD ["serve", "--listen", "0.0.0.0:8432", "--config", "/etc/pgwarden/pgwarden.toml"]

LABEL org.opencontainers.image.title="pgwarden" \
      org.opencontainers.image.description="PostgreSQL connector that is an MCP server" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/pgwarden/pgwarden" \
      org.opencontainers.image.documentation="https://github.com/pgwarden/pgwarden/blob/main/docs/INSTALL.md" \
      io.modelcontextprotocol.server.name="io.github.pgwarden/pgwarden"
