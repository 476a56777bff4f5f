#!/bin/sh
# Session Vision @VERSION@ in one file, with the Python that it runs on: for Linux on x86-64 with glibc @GLIBC@ or newer.
#
# At its first start it unpacks what follows these lines, and after that it only starts what is there. It wants a shell, tar, gzip and the
# small commands of every system. Where it unpacks to: $SV_EXECUTABLE_CACHE, or else the first that can be had of $XDG_CACHE_HOME/sv,
# ~/.cache/sv and ${TMPDIR:-/tmp}/sv-UID. Only a folder that nobody else can write to is used; what is half unpacked never is.
set -feu
name='@NAME@'
header_bytes=@HEADER_BYTES@
payload_bytes=@PAYLOAD_BYTES@
unpacked_mb=@UNPACKED_MB@

say() { printf 'sv: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# private DIR: a folder, no link to one, that is ours and that nobody else can write to.
private() {
  [ -d "$1" ] && [ ! -h "$1" ] || return 1
  set -- $(ls -ldn "$1") # the mode, the number of links, the owner
  case $3:$1 in "$uid":d????-??-*) return 0 ;; *) return 1 ;; esac
}

# steady DIR: nobody else can put another folder in the place of one of ours in it. A group may write to a folder of one's own (it is
# one's own too on many systems); in a shared one what is another's must be safe, as it is in /tmp.
steady() {
  set -- $(ls -ldn "$1/.")
  case $3:$1 in "$uid":d???????-* | 0:d????-??-* | *:d????????[tT]*) return 0 ;; *) return 1 ;; esac
}

# start HOME ARG...
start() {
  home=$1
  shift
  # Where a system keeps whom it trusts differs, and the TLS in here was built for one of them.
  if [ -z "${SSL_CERT_FILE:-}" ]; then
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
      if [ -r "$bundle" ]; then
        export SSL_CERT_FILE="$bundle"
        break
      fi
    done
  fi
  unset SV_EXECUTABLE_CACHE # no setting of the server
  export LD_LIBRARY_PATH="$home/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  exec "$home/bin/python3" -I -B -m sv "$@"
}

# unpack ROOT: to a folder beside, which becomes ROOT/$name in one step.
unpack() {
  [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || die "this file is for Linux on x86-64, not for $(uname -s) on $(uname -m)"
  [ "$(wc -c <"$0")" -eq $((header_bytes + payload_bytes)) ] || die "$0 is damaged or was cut off; get it again"
  fresh=$(umask 077 && mktemp -d "$1/.unpacking.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  trap 'exit 130' INT TERM HUP
  say "unpacking into $1, once ($unpacked_mb MB)"
  tail -c "+$((header_bytes + 1))" "$0" | tar -xzof - -C "$fresh" ||
    die "could not unpack into $1; is there room for $unpacked_mb MB? \$SV_EXECUTABLE_CACHE names another folder"
  LD_LIBRARY_PATH="$fresh/lib" "$fresh/bin/python3" -I -S -B "$fresh/finish.py" "$fresh" "$1/$name" ||
    die "what was unpacked into $1 does not run. It is for glibc @GLIBC@ or newer, and for a folder that programs may be run from (not
    mounted noexec); \$SV_EXECUTABLE_CACHE names another folder"
  trap - EXIT INT TERM HUP
}

# start_from ROOT ARG...: starts what is unpacked there, unpacks it where it is not yet. Returns where ROOT can't be used, with `why`.
start_from() {
  root=$1
  shift
  (umask 077 && mkdir -p "$root") 2>/dev/null || true
  if [ ! -d "$root" ]; then
    why="$why
    $root can't be made"
  elif ! private "$root" || ! steady "${root%/*}"; then
    why="$why
    $root is not used: others can write to it, or to the folder it is in, or it is a link"
  elif private "$root/$name"; then
    start "$root/$name" "$@"
  elif [ ! -w "$root" ]; then
    why="$why
    $root can't be written"
  else
    unpack "$root"
    start "$root/$name" "$@"
  fi
}

uid=$(id -u)
why=
if [ -n "${SV_EXECUTABLE_CACHE:-}" ]; then
  case $SV_EXECUTABLE_CACHE in /*) ;; *) SV_EXECUTABLE_CACHE=$PWD/$SV_EXECUTABLE_CACHE ;; esac
  start_from "${SV_EXECUTABLE_CACHE%/}" "$@"
else
  case ${XDG_CACHE_HOME:-} in /*) start_from "${XDG_CACHE_HOME%/}/sv" "$@" ;; esac
  case ${HOME:-} in /*) start_from "${HOME%/}/.cache/sv" "$@" ;; esac
  case ${TMPDIR:-/tmp} in /*) shared=${TMPDIR:-/tmp} && start_from "${shared%/}/sv-$uid" "$@" ;; esac
fi
die "nowhere to unpack to, as user $uid:$why
    name a folder of yours with room for $unpacked_mb MB: SV_EXECUTABLE_CACHE=/path $0 ..."
