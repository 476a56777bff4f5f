# syntax=docker/dockerfile:1
# The server in an image: no build tools, no shell needed, not root, nothing written outside /data.
# BASE needs Python 3.11 or newer with venv as `python3`; both stages of Python must have the same one. NODE needs Node.js 20.19 or newer with npm.
ARG BASE=python:3.13-slim
ARG NODE=node:22-slim

# The web app and the browser client: files for any machine, so this stage may be of another kind than the rest.
FROM ${NODE} AS ui
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ui/.npmrc ./
RUN npm ci --silent --no-progress --ignore-scripts
COPY pyproject.toml ../
COPY ui ./
RUN npm run --silent build

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/venv
WORKDIR /src
# The dependencies come first: this layer is made again only when the lock changes.
COPY requirements.lock ./
RUN /opt/venv/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY sv ./sv
COPY --from=ui /src/sv/web/ui ./sv/web/ui
COPY --from=ui /src/sv/sdk/browser ./sv/sdk/browser
# What only building needs goes again, and what pyarrow and numpy bring that nothing here can reach: their tests and
# headers, Arrow Flight, and clients for clouds. The byte code is checked against nothing at start: the image is the truth.
RUN /opt/venv/bin/python -m pip install --quiet --no-compile --no-deps --no-build-isolation . \
 && /opt/venv/bin/python -m pip uninstall --quiet --yes hatchling editables pip \
 && cd /opt/venv/lib/python3*/site-packages \
 && rm -rf pyarrow/tests pyarrow/include pyarrow/includes pyarrow/src pyarrow/*.pyx pyarrow/*.pxi \
      pyarrow/*flight* pyarrow/libarrow_s3.* pyarrow/_s3fs.* pyarrow/_gcsfs.* pyarrow/_azurefs.* pyarrow/_hdfs.* \
 && find . -path '*/numpy/*' -type d -name tests -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash . \
 && /opt/venv/bin/sv --help >/dev/null

FROM ${BASE}
LABEL org.opencontainers.image.title="Session Vision" \
      org.opencontainers.image.description="Product analytics with exact funnels, in one process" \
      org.opencontainers.image.licenses="Apache-2.0"
# A new volume takes its owner from here. A folder mounted from the host must be writable for 10001 by itself.
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin sv \
 && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SV_DATA=/data SV_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Where the server answers it says in the folder's lock, whether the port is of a variable, a flag or a TOML file. With `--data` it is another folder's.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/opt/venv/bin/python", "-c", \
  "import http.client, json, os, sys; p = os.environ['SV_DATA'] + '/sv.lock'; s = os.path.exists(p) and open(p).read(); at = json.loads(s)['at'] if s else '127.0.0.1:' + os.environ.get('SV_PORT', '8000'); c = http.client.HTTPConnection(at, timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["sv"]
CMD ["serve"]
