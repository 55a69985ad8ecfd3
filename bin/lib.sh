# What bin/serve and bin/test share: a virtual environment in .venv with the pinned requirements.
# To be sourced by bash, 3.2 or newer; leaves the caller in the project's folder.

unset CDPATH
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"
VENV_PYTHON="$VENV/bin/python"
cd "$ROOT" || exit 1

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "$@"
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# install_requirements FILE: makes sure that the environment exists and holds FILE's pins.
# Nothing is done when the pins are those of the last time: a copy of them stays in the environment.
install_requirements() {
  local stamp="$VENV/installed-$1"
  if suits "$VENV_PYTHON" && pins "$1" | cmp -s - "$stamp"; then
    return
  fi
  usable_environment || make_environment
  say "Installing $1 …"
  rm -f "$stamp"
  if has uv; then
    uv pip install --quiet --python "$VENV_PYTHON" -r "$1"
  else
    "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --root-user-action ignore -r "$1"
  fi || die "Installing $1 failed; the lines above say why. Run this again when that is mended."
  pins "$1" >"$stamp"
}

# requirements-test.txt includes requirements.txt.
pins() {
  cat requirements.txt "$1"
}

# An environment breaks when its folder moves or its Python is removed; one made by uv has no pip.
usable_environment() {
  suits "$VENV_PYTHON" && { has uv || "$VENV_PYTHON" -m pip --version >/dev/null 2>&1; }
}

make_environment() {
  local python
  python=$(find_python) || python=""
  if [ -n "$python" ]; then
    say "Making .venv with $("$python" --version 2>&1) …"
  elif has uv; then
    say "Making .venv with a Python from uv …"
  else
    die "$(advice)"
  fi
  rm -rf "$VENV"
  if has uv; then
    uv venv --quiet --python "${python:->=3.11}" "$VENV"
  else
    "$python" -m venv "$VENV"
  fi || die "Making the virtual environment failed; the lines above say why."
}

# The first interpreter that is new enough and can make an environment. Each is run, not only looked up: a version
# manager's placeholder may be found on the PATH and still fail.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$candidate" ] && suits "$candidate" && { has uv || can_make_environments "$candidate"; }; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

suits() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_make_environments() {
  "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

advice() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    if [ -n "$candidate" ] && suits "$candidate"; then
      echo "$("$candidate" --version) is here, but without its venv module."
      echo "Install that (Debian, Ubuntu: apt install python3-venv) and run this again."
      return
    fi
  done
  echo "Uplift needs Python 3.11 or newer, and none was found."
  echo "Install it (Debian, Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3.13;"
  echo "macOS: brew install python@3.13; or from python.org), or name yours: PYTHON=/path/to/python3 $0"
}
