#!/usr/bin/env bash
# Makes a working set for your own tables:  setup.sh OUT [HOST HOST HOST]
#
# OUT gets a folder for each party, with keys, certificate, configuration, pins and signed policies. Without hosts
# everything runs on this machine; with three, hospital, insurance and neutral (with the exchange) are told to listen on
# them. UNSEEN is the binary (default: unseen), BASE_PORT the first port (default: 7601).
set -euo pipefail

out=${1:?usage: setup.sh OUT [HOST HOST HOST]}
hosts=("${2:-127.0.0.1}" "${3:-127.0.0.1}" "${4:-127.0.0.1}")
unseen=${UNSEEN:-unseen}
port=${BASE_PORT:-7601}
here=$(cd "$(dirname "$0")" && pwd)

mkdir "$out"
declare -A organisation=(
    [hospital]="City Hospital" [insurance]="Mutual Insurance" [neutral]="Neutral Computing"
    [exchange]="Data Exchange" [university]="University"
)
declare -A listen=(
    [hospital]="${hosts[0]}:$port" [insurance]="${hosts[1]}:$((port + 1))"
    [neutral]="${hosts[2]}:$((port + 2))" [exchange]="${hosts[2]}:$((port + 3))"
)
parties=(hospital insurance neutral exchange university)

# 1. Keys. In earnest each party does this where it runs, and hands out its pin.toml and nothing else.
for party in "${parties[@]}"; do
    "$unseen" keygen --party "$party" --organisation "${organisation[$party]}" --ca "$out/ca" --out "$out/$party" >/dev/null
done

# A public value of a party, from its pin.
of() { sed -n "s/^$2 = \"\(.*\)\"/\1/p" "$out/$1/pin.toml"; }

# 2. Configurations and policies: addresses and keys filled in.
fill=()
for party in "${parties[@]}"; do
    fill+=(-e "s|@$party.key@|$(of "$party" key)|g" -e "s|@$party.sealing_key@|$(of "$party" sealing_key)|g")
    fill+=(-e "s|@$party.listen@|${listen[$party]:-}|g")
done
for party in "${parties[@]}"; do
    sed "${fill[@]}" "$here/$party/unseen.toml" >"$out/$party/unseen.toml"
    for pin in "${parties[@]}"; do
        printf '\n' | cat - "$out/$pin/pin.toml" >>"$out/$party/unseen.toml"
    done
    for policy in "$here/$party"/*.policy.json; do
        [ -e "$policy" ] || continue
        name=$(basename "$policy" .json)
        sed "${fill[@]}" "$policy" >"$out/$party/$name.json"
        # 3. Each provider signs its own policy.
        "$unseen" policy sign "$out/$party/$name.json" --key "$out/$party/identity.key" --out "$out/$party/$name.signed.json"
    done
    for table in "$here/$party"/*.csv "$here/$party"/job.toml; do
        [ -e "$table" ] && cp "$table" "$out/$party/"
    done
done

# 4. Look it over. A port can be tried only where it will be listened on, so another machine's is no fault here.
for party in "${parties[@]}"; do
    if ! found=$("$unseen" doctor --config "$out/$party/unseen.toml" 2>&1); then
        wrong=$(grep '^BAD' <<<"$found" || true)
        if [ -z "$wrong" ] || grep -qv '^BAD  port: .*Cannot assign requested address' <<<"$wrong"; then
            echo "$found" >&2
            exit 1
        fi
    fi
done

cat <<END
Ready. Start the daemons, each where it belongs:
  $unseen up --config $out/hospital/unseen.toml
  $unseen up --config $out/insurance/unseen.toml
  $unseen up --config $out/neutral/unseen.toml
  $unseen up --config $out/exchange/unseen.toml
Then ask:
  $unseen job explain $out/university/job.toml --config $out/university/unseen.toml
  $unseen job submit $out/university/job.toml --config $out/university/unseen.toml --wait
END
