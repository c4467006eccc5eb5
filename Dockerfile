# syntax=docker/dockerfile:1
# Build: make image. Run: docker run --privileged --network host audio-latency-tracker
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
COPY scripts/setup.sh /src/scripts/setup.sh
RUN /src/scripts/setup.sh build
COPY . /src
ARG REVISION=unknown
RUN cmake -S /src -B /build -G Ninja -DAL_TESTS=OFF -DAL_COMMIT="${REVISION}" \
 && cmake --build /build --target audio-latency audio-source audio-relay \
 && strip /build/audio-latency /build/audio-source /build/audio-relay

FROM ${BASE}
COPY deploy/image/runtime-packages.txt /tmp/packages
RUN apt-get update -qq \
 && xargs -a /tmp/packages env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
 && rm -rf /tmp/packages /var/lib/apt/lists/* /var/cache/apt /var/log/apt /usr/share/doc /usr/share/man /usr/share/locale
# Nothing is written and nothing needs root to be read: --user works, where the runtime gives that user the capabilities.
COPY --from=build /build/audio-latency /build/audio-source /build/audio-relay /usr/local/bin/
COPY deploy/image/probe.sh /usr/local/bin/audio-latency-probe
# Last, so that a new commit does not install the packages again.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="audio-latency-tracker" \
      org.opencontainers.image.description="Follows sound through services and measures what each of them adds" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=3s CMD ["/usr/local/bin/audio-latency-probe"]
ENTRYPOINT ["/usr/local/bin/audio-latency"]
