#!/usr/bin/env bash
# The administration of a Replica Of with nothing but curl, jq and documented endpoints. EAST and WEST are the base URLs of two
# clusters, *_LOGIN their "user:password", EXTERNAL, if set, the URL of a Redis server outside that holds outside=5.
set -euo pipefail

say() { echo "== $*"; }

# ask CLUSTER METHOD PATH [BODY]: the answer; a refusal ends the walk with its body
ask() {
  local url=$EAST login=$EAST_LOGIN
  if [ "$1" = west ]; then url=$WEST login=$WEST_LOGIN; fi
  curl --silent --show-error --insecure --fail-with-body --max-time 10 --user "$login" --request "$2" \
    --header 'content-type: application/json' ${4:+--data "$4"} "$url$3" || { echo " <- $1 $2 $3" >&2; exit 1; }
}

# until_is CLUSTER PATH FILTER: asks until the filter says true
until_is() {
  for _ in $(seq 1 150); do
    if ask "$1" GET "$2" | jq --exit-status "$3" >/dev/null; then return 0; fi
    sleep 0.1
  done
  echo "never: $3 of $1 $2: $(ask "$1" GET "$2" | jq --compact-output '{status, replica_sync, replica_sources: [.replica_sources[]? | {status, last_error}]}')" >&2
  exit 1
}

command_in() { ask "$1" POST "/v1/bdbs/$2/command" "$3" | jq --compact-output .response; }
source_url() {
  ask east GET "/v1/bdbs/$1" |
    jq --raw-output '"redis://admin:" + .authentication_admin_pass + "@" + .endpoints[0].dns_name + ":" + (.endpoints[0].port | tostring)'
}
in_sync='.replica_sync == "enabled" and ([.replica_sources[].status] | all(. == "in-sync"))'

say 'a database in each cluster, and the action that makes it'
rules='[{"regex":".*\\{(?<tag>.*)\\}.*"},{"regex":"(?<tag>.*)"}]'
source=$(ask east POST /v1/bdbs '{"name":"orders","memory_size":268435456,"sharding":true,"shards_count":2,"shard_key_regex":'"$rules"'}')
orders=$(jq .uid <<<"$source")
until_is east "/v1/actions/$(jq --raw-output .action_uid <<<"$source")" '.status == "completed"'
copy=$(ask west POST /v1/bdbs '{"name":"orders-copy","memory_size":268435456}' | jq .uid)
until_is west "/v1/bdbs/$copy" '.status == "active"'
command_in east "$orders" '{"command":"MSET","args":["a","1","b","2"]}'

say 'Replica Of by the pasted URL'
url=$(source_url "$orders")
ask west PUT "/v1/bdbs/$copy" '{"replica_sync":"enabled","replica_sources":[{"uri":"'"$url"'"}]}' >/dev/null
until_is west "/v1/bdbs/$copy" "$in_sync"
[ "$(command_in west "$copy" '{"command":"MGET","args":["a","b"]}')" = '["1","2"]' ]

say 'TLS for replication, by pasted certificates, and compression'
syncer=$(ask west GET /v1/cluster | jq .syncer_certificate)
ask east PUT "/v1/bdbs/$orders" '{"tls_mode":"replica_ssl","authentication_ssl_client_certs":[{"client_cert":'"$syncer"'}]}' >/dev/null
until_is east "/v1/bdbs/$orders" '.status == "active"'
proxy=$(ask east GET /v1/cluster | jq .proxy_certificate)
ask west PUT "/v1/bdbs/$copy" \
  '{"replica_sources":[{"uri":"'"$url"'","encryption":true,"server_cert":'"$proxy"',"compression":6}]}' >/dev/null
until_is west "/v1/bdbs/$copy" "$in_sync"
command_in east "$orders" '{"command":"SET","args":["c","3"]}'

say 'a new password stops it with an authentication error'
ask east PUT "/v1/bdbs/$orders/reset_admin_pass" >/dev/null
until_is west "/v1/bdbs/$copy" '.replica_sync == "stopped" and (.replica_sources[0].last_error | length) > 0'
until_is west /v1/logs 'any(.[]; .type == "authentication_err")'

say 'the new URL fills it anew, with a second database and an external server beside the first'
second=$(ask east POST /v1/bdbs '{"name":"second","memory_size":0}' | jq .uid)
until_is east "/v1/bdbs/$second" '.status == "active"'
command_in east "$second" '{"command":"SET","args":["d","4"]}'
sources='[{"uri":"'"$(source_url "$orders")"'","encryption":true,"server_cert":'"$proxy"',"compression":6},{"uri":"'"$(source_url "$second")"'"}'
[ -z "${EXTERNAL:-}" ] || sources+=',{"uri":"'"$EXTERNAL"'"}'
ask west PUT "/v1/bdbs/$copy" '{"replica_sources":'"$sources"']}' >/dev/null
until_is west "/v1/bdbs/$copy" "$in_sync"
[ "$(command_in west "$copy" '{"command":"MGET","args":["a","c","d"]}')" = '["1","3","4"]' ]
[ -z "${EXTERNAL:-}" ] || [ "$(command_in west "$copy" '{"command":"GET","args":["outside"]}')" = '"5"' ]
ask west GET "/v1/migrations/$copy" | jq --exit-status '.migration.status == "in-sync" and .migration.flush_counter >= 3' >/dev/null

say 'off: the data stay'
ask west PUT "/v1/bdbs/$copy" '{"replica_sync":"disabled","replica_sources":[]}' >/dev/null
[ "$(command_in west "$copy" '{"command":"GET","args":["d"]}')" = '"4"' ]
ask west DELETE "/v1/bdbs/$copy" >/dev/null
say done
