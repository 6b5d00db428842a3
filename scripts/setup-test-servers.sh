#!/bin/sh
# Installs the Debian programs that some tests run against, as far as they are missing; --check only reports.
# Ends with 0 unless an installation failed: the tests that lack a program skip themselves and say so.
set -eu

WANTED='nginx haproxy nats-server chromium wrk' # package, program and service have the same name
STREAM=libnginx-mod-stream                      # a part of nginx that is a package of its own and no program
STREAM_FILE=/usr/lib/nginx/modules/ngx_stream_module.so
SERVICES='nginx haproxy nats-server'
POLICY=/usr/sbin/policy-rc.d

# Debian keeps servers in sbin, which an ordinary user's PATH often lacks.
PATH="$PATH:/usr/sbin:/sbin"

say() {
  printf 'setup-test-servers: %s\n' "$1" >&2
}

# Built in, as the packages of nginx.org have it, or a module in Debian's place.
has_stream() {
  [ -e "$STREAM_FILE" ] && return 0
  built=$(nginx -V 2>&1) || return 1
  case "$built " in *'--with-stream '*) return 0 ;; esac
  return 1
}

missing() {
  found=''
  for program in $WANTED; do
    command -v "$program" >/dev/null 2>&1 || found="$found $program"
  done
  has_stream || found="$found $STREAM"
  printf '%s' "${found# }"
}

# The time limits hold for what needs the network. Unpacking has a wide one, as it leaves apt half-done when cut short.
update() {
  timeout 120 apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60 update
}

install() {
  set -- -qq -y --no-install-recommends -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60 install "$@"
  timeout 300 apt-get --download-only "$@" >/dev/null && timeout 300 apt-get "$@" >/dev/null
}

# Debian starts a service as soon as it is installed, unless a policy says no (101). These would hold ports 80 and 4222.
forbid_starting() {
  # A copy that is there already is the true one: a run before this was killed before it could put it back.
  if [ -e "$POLICY" ] && [ ! -e "$POLICY.before-brood" ]; then mv "$POLICY" "$POLICY.before-brood"; fi
  trap allow_starting EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 755 "$POLICY"
}

allow_starting() {
  rm -f "$POLICY"
  if [ -e "$POLICY.before-brood" ]; then mv "$POLICY.before-brood" "$POLICY"; fi
}

# The policy keeps a service from starting now; this keeps it from starting with the machine.
disable_service() {
  if command -v systemctl >/dev/null 2>&1; then
    systemctl --quiet disable "$1" >/dev/null 2>&1 || say "could not disable the service $1: see to it that it doesn't start"
  elif command -v update-rc.d >/dev/null 2>&1; then
    update-rc.d "$1" disable >/dev/null 2>&1 || true
  fi
}

missing=$(missing)
[ -n "$missing" ] || exit 0

skipped="missing: $missing; the tests that need them are skipped"
if [ "${1:-}" = --check ]; then
  say "$skipped"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  say "$skipped (run this script as root to install them)"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  say "$skipped (there is no apt-get here: install them in your system's way)"
  exit 0
fi

say "installing $missing"
export DEBIAN_FRONTEND=noninteractive
update || say 'apt-get update failed; going on with the package lists that are here'
forbid_starting
# One by one if need be: a package that this release doesn't have must not cost the others.
# shellcheck disable=SC2086 # a list of names
install $missing || for package in $missing; do install "$package" || true; done
still_missing=$(missing)
for service in $SERVICES; do
  # Only what came just now: a service that was there before is its owner's.
  case " $still_missing " in *" $service "*) continue ;; esac
  case " $missing " in *" $service "*) disable_service "$service" ;; esac
done

[ -z "$still_missing" ] && exit 0
say "could not install $still_missing; the tests that need them are skipped"
exit 1
