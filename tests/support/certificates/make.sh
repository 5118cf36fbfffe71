#!/bin/sh
# Makes the certificates of the tests, valid until 2120 but for the one that has expired. Run it in this folder.
set -eu
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
touch "$work/index.txt"
cat > "$work/ca.cnf" <<END
[ca]
default_ca = own
[own]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
END
# shellcheck disable=SC2086 -- the options are several
openssl req $key -subj "/CN=Ballast tests" -keyout "$work/authority.key" -out "$work/authority.csr"
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' > "$work/authority.ext"
openssl ca -batch -notext -selfsign -config "$work/ca.cnf" -keyfile "$work/authority.key" -in "$work/authority.csr" \
  -extfile "$work/authority.ext" -startdate 20200101000000Z -enddate 21190101000000Z -out authority.pem
leaf() { # name, until, extensions
  # shellcheck disable=SC2086
  openssl req $key -subj "/CN=$1" -keyout "$1.key" -out "$work/$1.csr"
  printf 'basicConstraints=CA:FALSE\n%b\n' "$3" > "$work/$1.ext"
  openssl ca -batch -notext -config "$work/ca.cnf" -cert authority.pem -keyfile "$work/authority.key" \
    -in "$work/$1.csr" -extfile "$work/$1.ext" -startdate 20200101000000Z -enddate "$2" -out "$1.pem"
}
server='subjectAltName=DNS:db.test,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth'
leaf server 21190101000000Z "$server"
leaf expired 20200201000000Z "$server"
leaf client 21190101000000Z 'extendedKeyUsage=clientAuth'
