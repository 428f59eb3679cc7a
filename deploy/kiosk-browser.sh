#!/bin/sh
# Shows the touch screen in a full-screen Chromium; started by hailong-browser.service.
set -eu
address=${HAILONG_KIOSK_URL:-http://127.0.0.1:8001/}
profile=${RUNTIME_DIRECTORY:?is set by systemd}/chromium

# An error page would stay on the screen: wait until the kiosk answers. 503 is its own word too: it
# runs, and its page will say what is wrong.
answers() {
    status=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$1" || true)
    [ "$status" = 200 ] || [ "$status" = 503 ]
}
until answers "${address%/}/status"; do
    sleep 1
done

# After a power cut Chromium would offer to restore its pages: it starts from nothing each time.
rm -rf "$profile"

exec chromium \
    --kiosk \
    --user-data-dir="$profile" \
    --ozone-platform=wayland \
    --touch-events=enabled \
    --disable-pinch \
    --disable-touch-drag-drop \
    --overscroll-history-navigation=0 \
    --noerrdialogs \
    --disable-session-crashed-bubble \
    --hide-crash-restore-bubble \
    --no-first-run \
    --no-default-browser-check \
    --password-store=basic \
    --disable-background-networking \
    --disable-component-update \
    --disable-sync \
    --disable-features=Translate,TouchpadOverscrollHistoryNavigation \
    "$address"
