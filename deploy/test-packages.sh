#!/bin/sh
# Installs what the whole suite needs besides Python on Debian: Chromium, PostgreSQL, a font with
# Vietnamese letters, systemd-analyze, espeak-ng, Patroni with etcd, faketime, rsync, restic, LibreOffice.
# Where it may not, it says what is left out; the tests themselves skip.
set -eu

missing=
why=
need() {
    missing="$missing $1"
    why="$why
  $1: $2"
}

command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
    need chromium "the tests in a real browser"
command -v chromium-headless-shell >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
    need chromium-headless-shell "half the time of the tests in a browser"
initdb=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb || true)
[ -n "$initdb" ] || need postgresql "the tests of storage and ingest on PostgreSQL"
{ [ -x /usr/bin/patroni ] && command -v etcd >/dev/null 2>&1; } ||
    need "patroni etcd-server" "the tests of PostgreSQL failing over to a standby"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 ||
    need faketime "faults of the aggregator's clock"
command -v rsync >/dev/null 2>&1 || need rsync "the tests of backups to another machine"
command -v restic >/dev/null 2>&1 || need restic "the tests of backups to another machine"
{ command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=vi family)" ]; } ||
    need "fontconfig fonts-noto-core" "Vietnamese letters in the browser's pictures"
command -v systemd-analyze >/dev/null 2>&1 || need systemd "the tests of the units in deploy/"
command -v espeak-ng >/dev/null 2>&1 || need espeak-ng "the tests of voices that are read aloud"
command -v soffice >/dev/null 2>&1 ||
    need "libreoffice-writer-nogui libreoffice-calc-nogui" "the tests of documents in LibreOffice"
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=no; fi
fi
if [ "$as_root" != no ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2016,SC2086 # the inner shell's words; words are meant
    if sh "$(dirname "$0")/step.sh" "Installing$missing" \
        $as_root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get -qq update &&
            apt-get -qq install --yes --no-install-recommends "$@"' apt $missing; then
        exit 0
    fi
    echo "The packages could not be installed." >&2
fi
echo "Left out on this machine, for want of a Debian package:$why"
echo "To include them: sudo apt-get install$missing"
# The suite decides: with HAILONG_TEST_ALL=1 what is missing is a failure there.
exit 0
