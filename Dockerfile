# disco in a container: the daemon, and the math services and the entrypoint of the demo.
#
#   docker build -t disco .
#   docker run --rm disco start --help
#   docker run -d --init -v disco-data:/var/lib/disco disco       a node of its own
#   docker-compose.yml                                            a cluster
#
# Nothing here needs BuildKit. Behind a proxy or a registry mirror: --build-arg BASE=…, and
# --network host where containers have no way out.
ARG BASE=node:24-bookworm-slim

# What every stage installs from: as long as these files stay, so do the layers with npm ci.
FROM ${BASE} AS manifest
WORKDIR /opt/disco
COPY package.json package-lock.json ./
COPY runtime/package.json runtime/

# dist/, with all that it takes to build it.
FROM manifest AS build
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY proto proto
COPY src src
RUN npm run prepare

# What runs beside dist/. Optional packages are the pinned Node.js of a checkout: the image has its
# own. Then what no daemon reads goes: sources, types, maps and the bindings of other platforms.
FROM manifest AS packages
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error \
 && cd node_modules \
 && rm -rf disco-runtime .package-lock.json better-sqlite3/deps better-sqlite3/src \
 && find better-sqlite3/prebuilds -type f ! -name "linux*-$(node -p process.arch).node" -delete \
 && find . -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \
      -o -name '*.md' -o -name '*.tsbuildinfo' \) -delete \
 && find . -type d -empty -delete

FROM ${BASE}
# The key and the database of the node: on a volume, or every new container is a new node. A bind
# mount must belong to uid 1000 and be writable by nobody else; disco refuses it otherwise.
RUN install -d -o node -g node -m 0700 /var/lib/disco \
 && install -d /etc/disco \
 && for name in disco math-service entrypoint; do \
      ln -s "/opt/disco/bin/$name.js" "/usr/local/bin/$name"; \
    done
ENV NODE_ENV=production \
    DISCO_DATA_DIR=/var/lib/disco
WORKDIR /opt/disco
# The rarest change first. All of it belongs to root: no daemon rewrites itself.
COPY --from=packages /opt/disco/node_modules node_modules
COPY package.json ./
COPY proto proto
COPY bin bin
COPY --from=build /opt/disco/dist dist
# Compiled code of a daemon that started once: without it every new container compiles all its
# modules anew. Node.js looks for what the same uid compiled, on the same kind of processor; on
# another one nothing is found, and a start takes as long as it would have.
ENV NODE_COMPILE_CACHE=/opt/disco/compiled
RUN install -d -o node compiled \
 && setpriv --reuid=node --regid=node --clear-groups sh -c ' \
      disco start --data-dir /tmp/once --seeds none & \
      disco health --wait --timeout 60s && disco list && kill $! && wait $!' \
 && chown -R root:root compiled && rm -rf /tmp/once
# A seeds.json mounted here is found without a flag.
WORKDIR /etc/disco
USER node
VOLUME /var/lib/disco
# Gossip, gRPC, HTTP. The defaults are loopback addresses of the container: what others shall reach
# is opened by hand, see docker-compose.yml.
EXPOSE 7947 7948 7949
# Each check costs 0.1 s of a processor: more often would be felt with many nodes on one machine.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["disco", "health"]
# node becomes process 1 itself, so SIGTERM reaches it and the node leaves in peace.
ENTRYPOINT ["disco"]
CMD ["start"]
