# Image names are written in full so that podman, which has no default registry, finds them as docker does.
FROM docker.io/library/rust:1.95-bookworm AS build

# Versions follow the release of the base image; pinning each one would break the build at every security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libgstreamer-plugins-bad1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer1.0-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build

# The dependencies are compiled with an empty program, in a layer that lasts until a manifest changes.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
RUN mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --bin rebound

# Cargo decides by file times: without the touch it would take the empty program for the newer one.
COPY . .
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --bin rebound


FROM docker.io/library/debian:bookworm-slim AS runtime

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        glib-networking gstreamer1.0-libav gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base \
        gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-tools \
    && rm -rf /var/lib/apt/lists/*

COPY scripts/collect-plugins.sh /usr/local/bin/
COPY --from=build /build/target/release/rebound /usr/local/bin/
RUN collect-plugins.sh /root/image /usr/local/bin/rebound


FROM docker.io/library/debian:bookworm-slim

COPY --from=runtime /root/image /

# GStreamer's list of plugins is written now, because a read-only container of another user cannot write it at start.
ENV GST_REGISTRY=/opt/gst/registry.bin
RUN mkdir /opt/gst \
    && gst-inspect-1.0 > /dev/null \
    && chmod 444 "$GST_REGISTRY"
ENV GST_REGISTRY_UPDATE=no

# /out is where a report can be written when a volume is mounted there: a named volume takes over its owner.
RUN install --directory --owner=10001 --group=10001 /out
USER 10001:10001
WORKDIR /out

EXPOSE 8080/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["rebound", "health"]
ENTRYPOINT ["rebound"]
CMD ["--help"]

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="rebound" \
      org.opencontainers.image.description="Closes the loop of video, detection and coordinates over WebRTC and tells how wrong and how late every frame's answer is" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
