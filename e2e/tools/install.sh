#!/bin/sh
# Installs what the tests need beyond Go, Python 3 and make: a PostgreSQL
# server, Chromium, NSS's certutil and strace. Only what is missing, and
# only on Debian by a user who may install; anyone else is told what is
# missing and how to get it. It never lets a test run go on without them.
set -eu

say() { echo "tools: $*"; }

# find_chromium prints the browser that the tests will use (e2e/browser/browser.go
# looks in the same order).
find_chromium() {
	if [ -n "${CHROMIUM:-}" ]; then
		[ -x "$CHROMIUM" ] && echo "$CHROMIUM"
		return
	fi
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		if command -v "$name"; then
			return
		fi
	done
	return 1
}

# find_postgres looks where Debian keeps the server, which is off PATH.
find_postgres() {
	for path in "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres; do
		if [ -x "$path" ]; then
			echo "$path"
			return
		fi
	done
	return 1
}

# missing prints the Debian packages that are still needed.
missing() {
	find_postgres >/dev/null || echo postgresql
	find_chromium >/dev/null || echo chromium
	command -v certutil >/dev/null || echo libnss3-tools
	command -v strace >/dev/null || echo strace
}

if [ -n "${CHROMIUM:-}" ] && [ ! -x "$CHROMIUM" ]; then
	say "CHROMIUM=$CHROMIUM is no program that can be run; set it to the path of a Chromium or Chrome, or unset it" >&2
	exit 1
fi

packages=$(missing | tr '\n' ' ')
if [ -z "$packages" ]; then
	say "PostgreSQL, Chromium, certutil and strace are there"
	exit 0
fi

explain() {
	{
		say "the tests need what is not here: $packages"
		say "  postgresql     the PostgreSQL server (postgres on PATH)"
		say "  chromium       Chromium or Chrome (on PATH, or CHROMIUM=/path/to/it)"
		say "  libnss3-tools  NSS's certutil, to trust the tests' own authority"
		say "  strace         to see that a report is on disk before it is answered"
		say "$1"
	} >&2
	exit 1
}

[ -e /etc/debian_version ] || explain "this is no Debian; install them with your system's package manager and run this again"
if [ "$(id -u)" -eq 0 ]; then
	as_root=env
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root="sudo -n env"
else
	explain "you may not install here; let somebody who may run: apt-get install --no-install-recommends $packages"
fi

say "installing $packages"
# shellcheck disable=SC2086 # both are lists of words
install() { $as_root DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $packages; }
# Package lists may be absent (a fresh machine) or too old to fetch from: then
# update them and try once more.
if ! install >/dev/null 2>&1; then
	$as_root apt-get update --quiet
	install || explain "apt-get could not install them; its message stands above"
fi

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] || explain "apt-get was done, but these are still not found"
say "PostgreSQL, Chromium, certutil and strace are there"
