#!/bin/sh
# Draw the secrets of docker-compose.yml that are not there yet; those that are there stay.
#
# Usage: deploy/secrets.sh [folder], by default ./secrets. The folder is closed to other accounts;
# the files in it are readable, because each container reads them by an account of its own.
set -eu
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
for name in secret_key database_password mqtt_password mqtt_admin_password influx_token influx_password grafana_password; do
	if [ ! -s "$folder/$name" ]; then
		drawn=$(openssl rand -base64 36)
		# Whole or not at all: an empty file that nobody may write would stay.
		printf '%s' "$drawn" | tr -d '\n/+=' >"$folder/$name.new"
		chmod 444 "$folder/$name.new"
		mv -f "$folder/$name.new" "$folder/$name"
		echo "drew $folder/$name"
	fi
done
