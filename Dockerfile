# SPDX-License-Identifier: Apache-2.0
# The image contains one program, the libraries that it loads and the CA bundle. It has no shell and
# no package manager, and the program writes no file. deploy/docker/README.md describes how to run
# it.
ARG BASE_BUILD=debian:12

FROM ${BASE_BUILD} AS build
WORKDIR /src
# The packages are installed before the sources are copied, so a change of the sources does not
# fetch them again.
COPY scripts/install-packages scripts/
RUN scripts/install-packages build \
 && apt-get install -qq -y --no-install-recommends libcap2-bin
COPY . .
# The builder keeps the compiler cache, so a change compiles only the changed files.
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset release && cmake --build --preset release --target dotcache
RUN deploy/docker/collect-rootfs build/release/dotcache /rootfs

FROM scratch
COPY --from=build /rootfs /
# Numeric, so that Kubernetes can see that the user is not root without /etc/passwd.
USER 65532:65532
# The container's defaults (all addresses, port 53) are in a file. Flags, variables and a mounted
# file of your own override them.
ENV DOTCACHE_CONFIG=/etc/dotcache/dotcache.yaml
EXPOSE 53/udp 53/tcp 853/tcp 9153/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/usr/bin/dotcache", "probe"]
ENTRYPOINT ["/usr/bin/dotcache"]
CMD ["serve"]
