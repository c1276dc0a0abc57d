#!/bin/sh
# Exchanges the identity of a GitHub Actions job for a capability, and keeps it renewed while the job runs. Neither the
# identity token nor a capability is ever an argument of a program: arguments are seen by every process of the machine.
set -eu
umask 077

fail() {
  # One line, so that nothing that was answered can pose as a workflow command.
  printf 'valetkey: %s\n' "$(printf '%s' "$1" | tr -d '\000-\037' | tr '%' ' ')" >&2
  exit 1
}

for program in curl jq; do
  command -v "$program" >/dev/null 2>&1 || fail "$program is needed, and is not installed on this runner"
done
broker=${VALETKEY_BROKER:-}
broker=${broker%/}
case $broker in
  https://*) ;;
  http://localhost:* | http://127.0.0.1:*) ;;
  *) fail "the input broker must be an https URL" ;;
esac
if [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] || [ -z "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" ]; then
  fail "this job has no identity: give it permissions: id-token: write"
fi

# Prints an identity token for the broker.
identity() {
  case $ACTIONS_ID_TOKEN_REQUEST_URL in
    *\?*) separator='&' ;;
    *) separator='?' ;;
  esac
  audience=$(jq -rn --arg audience "${VALETKEY_AUDIENCE:-$broker}" '$audience | @uri')
  printf 'header = "Authorization: bearer %s"\n' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
    curl --config - --silent --show-error --fail --max-time 20 \
      "$ACTIONS_ID_TOKEN_REQUEST_URL${separator}audience=$audience" |
    jq -er '.value'
}

# Reads an identity token, and prints the form that exchanges it.
form() {
  jq -Rrs '
    def given(name): env[name] | select(. != null and . != "");
    def all: with_entries(select(.value != null));
    {
      type: "valetkey",
      provider: (given("VALETKEY_PROVIDER") // null),
      environment: (given("VALETKEY_ENVIRONMENT") // null),
      grant: (given("VALETKEY_GRANT") // null),
      verbs: ((given("VALETKEY_VERBS") | split(" ") | map(select(. != ""))) // null),
      lifetime: ((given("VALETKEY_LIFETIME") | tonumber) // null)
    } as $details
    | {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
        subject_token: rtrimstr("\n"),
        client_id: (given("VALETKEY_AGENT") // null),
        authorization_details: ([$details | all] | tojson)
      }
    | all | to_entries | map("\(.key)=\(.value | @uri)") | join("&")
  '
}

# Sets capability, seconds and provider; says why not, and returns 1, where there is none.
exchange() {
  token=$(identity) || {
    echo 'valetkey: GitHub gave this job no identity token' >&2
    return 1
  }
  answer=$(printf '%s' "$token" | form |
    curl --silent --show-error --max-time 30 --data-binary @- "$broker/oauth/token") || {
    echo 'valetkey: the broker does not answer' >&2
    return 1
  }
  token=''
  capability=$(printf '%s' "$answer" | jq -r '.access_token // empty' 2>/dev/null) || capability=''
  case $capability in
    '' | *[!A-Za-z0-9._-]*)
      reason=$(printf '%s' "$answer" | jq -r '"\(.error): \(.error_description)"' 2>/dev/null) ||
        reason='its answer is not that of a broker'
      printf 'valetkey: no capability: %s\n' "$(printf '%s' "$reason" | tr -d '\000-\037' | cut -c 1-500)" >&2
      return 1
      ;;
  esac
  seconds=$(printf '%s' "$answer" | jq -r '.expires_in | floor')
  provider=$(printf '%s' "$answer" | jq -r '.authorization_details[0].provider')
  case $seconds in '' | *[!0-9]*) return 1 ;; esac
  case $provider in '' | *[!a-z0-9-]*) return 1 ;; esac
}

# Whole or not at all: whoever reads the file meanwhile reads the old one.
keep() {
  printf '%s' "$capability" >"$file.new"
  mv "$file.new" "$file"
}

# Ends with the job, whose orphans the runner ends, or where it failed for ten minutes: the file then holds a capability
# that has expired, and that the broker refuses.
renew() {
  failures=0
  while [ "$failures" -lt 60 ]; do
    if [ "$failures" -eq 0 ]; then
      # A third of its life before its end.
      pause=$((seconds * 2 / 3))
      [ "$pause" -ge 1 ] || pause=1
      sleep "$pause"
    else
      sleep 10
    fi
    if exchange && keep; then
      failures=0
    else
      failures=$((failures + 1))
    fi
  done
}

exchange || exit 1
directory=$(mktemp -d "${RUNNER_TEMP:-/tmp}/valetkey.XXXXXX")
file=$directory/capability
# Before anything else can print it.
printf '::add-mask::%s\n' "$capability"
keep
{
  printf 'endpoint=%s/proxy/%s\n' "$broker" "$provider"
  printf 'capability=%s\n' "$capability"
  printf 'capability-file=%s\n' "$file"
} >>"$GITHUB_OUTPUT"
printf 'A capability for %s, good for %s seconds.\n' "$provider" "$seconds"

if [ "${VALETKEY_RENEW:-true}" = true ]; then
  # Detached from this step's output, which would otherwise never end.
  (
    trap '' HUP
    renew
  ) </dev/null >"$directory/log" 2>&1 &
  printf '%s\n' "$!" >"$directory/pid"
fi
