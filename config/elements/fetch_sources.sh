#!/bin/sh
# Unpacks the Debian packages that compile_general.py reads into one folder. Nothing is installed.
# usage: fetch_sources.sh FOLDER        (about 120 MB to download, Debian 12)
set -eu

folder=$(mkdir -p "${1:?usage: fetch_sources.sh FOLDER}" && cd "$1" && pwd)
binary="python3-pymatgen bodr python3-ase python3-periodictable libopenbabel7"
# Only the source packages hold these tables as text.
source="gelemental gperiodic espresso mopac7"

mkdir -p "$folder/downloads/lists/partial" "$folder/src"
cd "$folder/downloads"
apt-get -o APT::Sandbox::User=root download $binary
for package in *.deb; do dpkg -x "$package" "$folder"; done

echo "deb-src http://deb.debian.org/debian bookworm main" >sources.list
options="-o Dir::Etc::sourcelist=$folder/downloads/sources.list -o Dir::Etc::sourceparts=-
  -o Dir::State::lists=$folder/downloads/lists -o APT::Sandbox::User=root"
apt-get $options update
for package in $source; do
  # Debian's own changes hold no data: a mirror that lacks them does no harm.
  apt-get $options source --download-only "$package" || true
  tar -xf "$package"_*.orig.tar.* -C "$folder/src"
done
