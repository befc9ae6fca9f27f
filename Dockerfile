# SPDX-License-Identifier: Apache-2.0
# The image holds one program, the libraries it loads and the CA bundle: no shell, no package
# manager, nothing that is written to. deploy/docker/README.md says how to run it.
ARG BASE_BUILD=debian:12

FROM ${BASE_BUILD} AS build
WORKDIR /src
# The packages come before the sources, so that a change of code does not fetch them again.
COPY scripts/install-packages scripts/
RUN scripts/install-packages build \
 && apt-get install -qq -y --no-install-recommends libcap2-bin
COPY . .
RUN cmake --preset release && cmake --build --preset release --target dotcache
RUN deploy/docker/collect-rootfs build/release/dotcache /rootfs

FROM scratch
COPY --from=build /rootfs /
# Numeric, so that Kubernetes can tell that it is not root without reading /etc/passwd.
USER 65532:65532
# The defaults of a container (all addresses, port 53) are a file and not flags or variables, so that
# each of these, and a file of your own mounted in its place, wins over them.
ENV DOTCACHE_CONFIG=/etc/dotcache/dotcache.yaml
EXPOSE 53/udp 53/tcp 853/tcp 9153/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/dotcache"]
CMD ["serve"]
