# The image: one stripped program, the four libraries of the C world that it needs, and the certificates: 36 MB.
#
#   docker build --tag penstock .
#   docker run --rm --read-only --user 65532 penstock version
#
# The build takes a quarter of an hour on two cores. scripts/image-root.sh makes the same root folder without an engine.
FROM swift:6.3.1-bookworm AS build

# Not pinned: the certificates should be today's, and Debian keeps only the newest of a release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY . .
# The cache keeps what was built, also of another version; the root folder is all that leaves this stage.
RUN --mount=type=cache,target=/scratch \
    scripts/image-root.sh make "$(scripts/production-build.sh /scratch)" /image

FROM scratch
COPY --from=build /image /
USER 65532:65532
EXPOSE 8080 9090
# For engines that ask inside the container (Docker, Compose); Kubernetes asks from outside and leaves this aside.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/bin/penstock", "health", "--config", "/etc/penstock/penstock.yaml"]
ENTRYPOINT ["/usr/bin/penstock"]
CMD ["run", "--config", "/etc/penstock/penstock.yaml"]
