#!/usr/bin/env bash
# Installs the web page's dependencies and builds it into web/dist; does nothing when neither has changed.
source "$(dirname "$0")/lib.sh"
cd web

lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.sensorium-lock 2>/dev/null)" != "$lock" ]; then
  step "Installing the web page's dependencies"
  npm ci --no-audit --no-fund --loglevel=error
  echo "$lock" >node_modules/.sensorium-lock
fi

sources=$(find . -path ./node_modules -prune -o -path ./dist -prune -o -path ./e2e -prune -o -type f -print0 |
  sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat node_modules/.sensorium-built 2>/dev/null)" != "$sources" ] || [ ! -f dist/index.html ]; then
  step "Building the web page"
  npm run --silent build
  echo "$sources" >node_modules/.sensorium-built
fi
