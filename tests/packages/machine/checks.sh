#!/bin/bash
# What `cargo xtask machine` checks in a machine with a running systemd: the Debian package and its units as
# docs/operations.md describes them. Beside this file are the packages of two revisions, data in the Python service's
# format, and probe.sh. Begins anew, with the last part, when the machine has been started a second time.
#
# Everything waits for events or asks again until it is so; limits are for what never comes.

set -uo pipefail
export LC_ALL=C PAGER=cat SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 DEBIAN_FRONTEND=noninteractive

readonly login=testbench:'correct horse'
readonly config=/etc/defect-host/config.toml
readonly state=/var/lib/defect-host
readonly shop='projects/Shop%20App%20(SHOP)'
base=http://127.0.0.1:8030

end() { # words
    echo "$1"
    # The machine ends by itself: nobody waits for a failure.
    systemctl --no-block poweroff
    exit
}

# --- checking ---

check() { # what, command...
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "  ok: $what"
        return
    fi
    printf 'not ok: %s\n--- %s\n%s\n--- status\n' "$what" "$*" "$said"
    systemctl status --no-pager --lines=0 'defect-host*'
    echo '--- journal'
    journalctl --quiet --no-pager --lines=60 --output=short-monotonic
    end 'failed'
}

is() { # found, wanted
    [ "$1" = "$2" ] || { echo "found \`$1\`, wanted \`$2\`"; return 1; }
}

has() { # text, part
    [[ $1 == *"$2"* ]] || { printf 'there is no `%s` in:\n%s\n' "$2" "$1"; return 1; }
}

not() { # command...
    ! "$@"
}

eventually() { # command...
    local deadline=$((SECONDS + 240)) said
    until said=$("$@" 2>&1); do
        ((SECONDS < deadline)) || { echo "never: $said"; return 1; }
        sleep 0.2
    done
}

# --- asking systemd ---

show() { # unit, property
    systemctl show --value --property="$2" "$1"
}

shows() { # unit, property, wanted
    is "$(show "$1" "$2")" "$3"
}

differs() { # unit, property, old
    not is "$(show "$1" "$2")" "$3"
}

# From now on; `journal` shows what came later.
mark() {
    cursor=$(journalctl --quiet --lines=1 --show-cursor | sed -n 's/^-- cursor: //p')
}

journal() { # unit, part
    journalctl --sync
    has "$(journalctl --quiet --output=cat --after-cursor="$cursor" --unit="$1")" "$2"
}

status_says() { # part
    has "$(systemctl status defect-host.service)" "$1"
}

processes() { # unit
    cat "/sys/fs/cgroup/$(show "$1" ControlGroup)/cgroup.procs" 2> /dev/null
}

# --- asking the service ---

ask() { # arguments of curl...
    curl --silent --show-error --fail-with-body --max-time 120 --user "$login" "$@"
}

titles() {
    ask --request POST "$base/$shop/defects" | grep --only-matching '"title": *"[^"]*"'
}

create() { # title
    ask --header 'content-type: application/json' "$base/$shop/defects/create" --data "{\"defect\": {
        \"title\": \"$1\", \"description\": null, \"status\": \"new\", \"classification\": \"bug\",
        \"priority\": \"high\", \"lastEdited\": \"2026-01-31T12:00:00Z\",
        \"principal\": {\"username\": \"ann\", \"password\": \"\"}}, \"syncContext\": {\"iTBProject\": \"Shop\"}}"
}

listed() { # title
    has "$(titles)" "\"$1\""
}

# Four callers, who ask until they are told to stop. What they could not get is in the file `unanswered`.
begin_load() {
    rm -f stop unanswered answered.*
    : > unanswered
    for caller in 1 2 3 4; do
        while [ ! -e stop ]; do
            # The second is asked on the same connection when that is kept.
            if said=$(ask "$base/projects" "$base/projects" 2>&1); then
                echo >> "answered.$caller"
            else
                echo "$said" >> unanswered
            fi
        done &
    done
}

answers() {
    cat answered.* 2> /dev/null | wc -l
}

more_answers_than() { # number
    (($(answers) > $1))
}

end_load() {
    touch stop
    wait
}

# --- the configuration ---

# As set-credentials has left it, with lines for the service's table and others for the end.
configure() { # lines, lines
    { sed "s|^port = .*|&\n$1|" configured; echo "${2-}"; } > "$config"
}

# --- the parts ---

install_it() {
    check 'apt installs the package' apt-get install --yes ./first.deb
    check 'nothing of it has changed' is "$(dpkg --verify defect-host)" ''
    check 'it is not started' shows defect-host.service ActiveState inactive
    check 'it is not enabled' is "$(systemctl is-enabled defect-host.service)" disabled
    check 'its socket is not enabled' is "$(systemctl is-enabled defect-host.socket)" disabled
    check 'the configuration is for root and the group' is "$(stat --format='%a %U:%G' $config)" '640 root:defect-host'
    check 'the data is the service'\''s' \
        is "$(stat --format='%a %U:%G' $state/defects)" '750 defect-host:defect-host'
    check 'systemd knows the units' systemd-analyze verify defect-host.service defect-host.socket defect-host@x.service
}

refuse_a_wrong_configuration() {
    mark
    check 'it does not start without credentials' not systemctl start defect-host
    check 'the journal says why' journal defect-host.service 'there are no credentials'
    check 'it is not tried again' shows defect-host.service ActiveState failed
    check 'systemctl status says why, too' status_says 'there are no credentials'
}

start_it() {
    local words="$login"
    check 'credentials are stored' defect-host set-credentials --config "$config" --username "${words%%:*}" \
        --password-stdin <<< "${words#*:}"
    check 'and nobody else may read them' is "$(stat --format='%a %U:%G' $config)" '640 root:defect-host'
    cp "$config" configured
    cp -r data/. "$state/defects"
    chown -R defect-host:defect-host "$state/defects"
    mark
    check 'it starts' systemctl enable --now defect-host
    check 'it has said that it is ready' shows defect-host.service ActiveState active
    check 'it says what it serves' has "$(show defect-host.service StatusText)" 'serving'
    check 'status shows that' status_says "$base"
    check 'the journal says where it listens' journal defect-host.service "listening on $base"
    check 'it is ready' ask "$base/readyz"
    check 'the data of the Python service is there' is "$(titles | wc -l)" "$(cat data/Shop*/defects.jsonl | wc -l)"
    check 'a defect is created' create 'first'
    check 'strangers are refused' is "$(curl -s -o /dev/null -w '%{http_code}' -u a:b $base/projects)" 401
}

look_at_the_sandbox() {
    local process status
    process=$(show defect-host.service MainPID)
    status=$(tr '\t' ' ' < "/proc/$process/status")
    check 'it is no root' is "$(stat --format=%U "/proc/$process")" defect-host
    for line in 'CapInh: 0000000000000000' 'CapPrm: 0000000000000000' 'CapEff: 0000000000000000' \
        'CapBnd: 0000000000000000' 'CapAmb: 0000000000000000' 'NoNewPrivs: 1' 'Seccomp: 2'; do
        check "it has $line" has "$status" "$line"
    done
    check 'it leaves no dump' has "$(tr -s ' ' < "/proc/$process/limits")" 'Max core file size 0 0'
    check 'it may open many files' has "$(tr -s ' ' < "/proc/$process/limits")" 'Max open files 16384 16384'
    check 'it has a user namespace' not is "$(readlink "/proc/$process/ns/user")" "$(readlink /proc/1/ns/user)"

    install -m 755 probe.sh /etc/defect-host/probe.sh
    configure '' '[testbench-defect-service.client_config.commands.presync]
manual = "/etc/defect-host/probe.sh"'
    check 'it starts with a command' systemctl restart defect-host
    check 'the command runs' has "$(ask --header 'content-type: application/json' --data '{"syncType": "manual"}' \
        "$base/$shop/sync/before")" '"generalErrors":[]'
    local found
    found=$(cat $state/probe.result)
    check 'the command has come to its end' has "$found" $'\nend'
    local wanted='possible: touch /dev/shm/probe
possible: touch /tmp/probe
possible: touch /var/lib/defect-host/probe'
    check 'its folder and private ones are all that it can write' is "$(grep possible <<< "$found")" "$wanted"
    check 'these are not ours' not test -e /tmp/probe -o -e /dev/shm/probe
}

end_it_by_the_watchdog() {
    local process
    process=$(show defect-host.service MainPID)
    check 'a defect is created' create 'before the watchdog'
    mark
    kill -STOP "$process"
    check 'systemd ends it when it stands still' eventually differs defect-host.service MainPID "$process"
    check 'for that reason' journal defect-host.service 'Watchdog timeout'
    check 'it is started again' eventually shows defect-host.service ActiveState active
    check 'once' shows defect-host.service NRestarts 1
    check 'and has the defect' listed 'before the watchdog'
}

kill_it() {
    local process
    process=$(show defect-host.service MainPID)
    check 'a defect is created' create 'before the kill'
    kill -KILL "$process"
    check 'it has another process' eventually differs defect-host.service MainPID "$process"
    check 'it is started again' eventually ask "$base/readyz"
    check 'and has the defect' listed 'before the kill'
}

break_the_configuration() {
    mark
    configure 'prot = 8031'
    check 'it does not restart with a misspelt key' not systemctl restart defect-host
    check 'the journal says which' journal defect-host.service 'prot'
    check 'and where' journal defect-host.service "$config"
    check 'it is not tried again' shows defect-host.service ActiveState failed
    check 'systemctl status says it, too' status_says 'prot'
    configure ''
    check 'it starts when the cause is gone' systemctl start defect-host
}

make_certificate() { # serial number
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -set_serial "$1" \
        -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout new.key -out new.pem 2> /dev/null
    install -m 640 -g defect-host new.key /etc/defect-host/service.key.new
    install -m 644 new.pem /etc/defect-host/service.pem.new
    mv /etc/defect-host/service.key.new /etc/defect-host/service.key
    mv /etc/defect-host/service.pem.new /etc/defect-host/service.pem
}

serial() {
    openssl s_client -connect 127.0.0.1:8030 < /dev/null 2> /dev/null | openssl x509 -noout -serial
}

serves() { # serial number
    is "$(serial)" "serial=$1"
}

renew_the_certificate() {
    make_certificate 0x11
    configure 'ssl_cert = "/etc/defect-host/service.pem"\nssl_key = "/etc/defect-host/service.key"'
    check 'it starts with HTTPS' systemctl restart defect-host
    check 'it serves the certificate' serves 11
    local process
    process=$(show defect-host.service MainPID)
    mark
    make_certificate 0x22
    check 'it serves the new one' eventually serves 22
    check 'the journal says so' journal defect-host.service 'new TLS files are in use'
    check 'callers trust it' curl --silent --fail --cacert new.pem https://127.0.0.1:8030/healthz
    check 'it is the same process' shows defect-host.service MainPID "$process"
    configure ''
    check 'it goes back to HTTP' systemctl restart defect-host
}

hand_the_socket_over() {
    check 'the service stops' systemctl stop defect-host.service
    mark
    check 'the socket is opened' systemctl enable --now defect-host.socket
    check 'the service is not running' shows defect-host.service ActiveState inactive
    check 'a request starts it' ask "$base/projects"
    check 'it is active' shows defect-host.service ActiveState active
    check 'it serves what systemd has opened' journal defect-host.service 'have no effect'

    begin_load
    local restart answered
    for restart in 1 2 3; do
        answered=$(answers)
        check 'callers are answered' eventually more_answers_than $((answered + 4))
        check "restart $restart under load" systemctl restart defect-host.service
    done
    answered=$(answers)
    check 'callers are answered' eventually more_answers_than $((answered + 4))
    end_load
    check "no request of $(answers) was lost" is "$(cat unanswered)" ''

    systemctl reset-failed defect-host.service
    configure 'prot = 8031'
    check 'it does not restart with a misspelt key' not systemctl restart defect-host.service
    check 'a request is not answered' not ask "$base/projects"
    check 'the socket is closed' eventually shows defect-host.socket Result service-start-limit-hit
    check 'systemctl status still says why' status_says 'prot'
    configure ''
    systemctl reset-failed defect-host.service defect-host.socket
    check 'both start when the cause is gone' systemctl start defect-host.socket defect-host.service
}

serve_instances() {
    # As in the document.
    install -m 640 -g defect-host /dev/null /etc/defect-host/second.toml
    { grep -E 'password_hash|salt' configured > credentials
      printf '[testbench-defect-service]\nclient_class = "JsonlDefectClient"\nport = 8031\n'
      cat credentials
      printf '[testbench-defect-service.client_config]\nname = "Second tracker"\n'
      printf 'defects_path = "/var/lib/defect-host/second/defects"\n'
    } > /etc/defect-host/second.toml
    install -d -o defect-host -g defect-host $state/second $state/second/defects $state/second/defects/Two
    install -o defect-host -g defect-host /dev/null $state/second/defects/Two/defects.jsonl
    check 'a second instance starts' systemctl enable --now defect-host@second
    check 'it serves its own' has "$(ask http://127.0.0.1:8031/projects)" '["Two"]'
    check 'the first serves its own' has "$(ask $base/projects)" 'Shop App'
    check 'it works in its own folder' \
        is "$(readlink "/proc/$(show defect-host@second.service MainPID)/cwd")" $state/second
    printf '[Socket]\nListenStream=127.0.0.1:8031\n\n[Install]\nWantedBy=sockets.target\n' \
        > /etc/systemd/system/defect-host@second.socket
    systemctl daemon-reload
    check 'it stops' systemctl stop defect-host@second.service
    check 'it has a socket of its own' systemctl enable --now defect-host@second.socket
    check 'which starts it' has "$(ask http://127.0.0.1:8031/projects)" '["Two"]'
}

isolate_the_plugin() {
    local long=$state/defects/Long number
    mkdir -p "$long"
    for number in {1..5000}; do
        printf '{"title": "Defect %d", "description": null, "status": "new", "classification": "bug", ' "$number"
        printf '"priority": "high", "lastEdited": "2026-01-31T12:00:00+00:00", "userDefinedFields": [], '
        printf '"references": [], "principal": {"username": "ann", "password": ""}, "id": "L-%d"}\n' "$number"
    done > "$long/defects.jsonl"
    chown -R defect-host:defect-host "$long"
    echo 'DEFECT_HOST_LOG=debug' > /etc/defect-host/environment
    configure 'isolation = "process"\nisolation_memory = 256' '[testbench-defect-service.logging.console]
log_level = "DEBUG"'
    mark
    check 'it starts with the plugin in a process of its own' systemctl restart defect-host.service
    check 'these are two' is "$(processes defect-host.service | wc -l)" 2
    check 'a long list is whole' \
        is "$(ask --request POST $base/projects/Long/defects | grep -o '"title": *"Defect ' | wc -l)" 5000
    check 'it is copied out of the memory' journal defect-host.service 'long answers are copied out of the memory'
    local host plugin
    host=$(show defect-host.service MainPID)
    plugin=$(processes defect-host.service | grep -vx "$host")
    status=$(tr '\t' ' ' < "/proc/$plugin/status")
    check 'the sandbox holds for it, too' has "$status" 'Seccomp: 2'
    check 'it has no capability' has "$status" 'CapEff: 0000000000000000'
    check 'a defect is created' create 'before the crash'
    kill -KILL "$plugin"
    check 'its end is told' eventually journal defect-host.service 'its process runs again'
    check 'it is started again' eventually listed 'before the crash'
    check 'the service has gone on' shows defect-host.service MainPID "$host"
    check 'it stops' systemctl stop defect-host.socket defect-host.service
    check 'well' shows defect-host.service Result success
    check 'nothing is left' not test -e "/proc/$host" -o -e "/proc/$plugin"
    rm /etc/defect-host/environment
    configure ''
    check 'it starts' systemctl start defect-host.socket defect-host.service
}

upgrade_it() {
    local first second
    cp "$config" kept
    first=$(show defect-host.service InvocationID)
    second=$(show defect-host@second.service InvocationID)
    begin_load
    check 'callers are answered' eventually more_answers_than 4
    check 'apt upgrades it' apt-get install --yes ./second.deb
    local answered
    answered=$(answers)
    check 'callers are answered' eventually more_answers_than $((answered + 4))
    end_load
    check "no request of $(answers) was lost" is "$(cat unanswered)" ''
    check 'the service is a new one' differs defect-host.service InvocationID "$first"
    check 'it is active' shows defect-host.service ActiveState active
    check 'so is the instance' differs defect-host@second.service InvocationID "$second"
    check 'which is active' shows defect-host@second.service ActiveState active
    check 'the configuration is kept' cmp "$config" kept
    check 'the data is kept' listed 'before the crash'
    check 'an upgrade of a stopped one is possible' systemctl stop defect-host.socket defect-host.service
    check 'apt goes back' apt-get install --yes --allow-downgrades ./first.deb
    check 'what was stopped stays so' shows defect-host.service ActiveState inactive
    check 'apt upgrades it again' apt-get install --yes ./second.deb
    check 'it starts' systemctl start defect-host.socket defect-host.service
    check 'a defect is created' create 'before the machine started again'
}

find_it_after_the_start() {
    check 'the socket is open' shows defect-host.socket ActiveState active
    check 'the service is active' eventually shows defect-host.service ActiveState active
    check 'it has the defect' listed 'before the machine started again'
    check 'the instance is active' shows defect-host@second.service ActiveState active
    check 'nothing has failed' is "$(systemctl list-units --failed --plain --no-legend 'defect-host*')" ''
}

remove_it() {
    check 'apt removes it' apt-get remove --yes defect-host
    check 'the program is gone' not test -e /usr/bin/defect-host
    check 'nothing of it runs' is "$(find /proc -maxdepth 1 -user defect-host)" ''
    check 'nobody listens' not curl --silent --max-time 5 $base/healthz
    check 'nobody listens for the instance' not curl --silent --max-time 5 http://127.0.0.1:8031/healthz
    check 'nothing of the package is enabled' \
        is "$(find /etc/systemd/system -lname '*lib/systemd/system/defect-host*')" ''
    check 'the configuration is kept' grep -q password_hash "$config"
    # It is the operator's own.
    systemctl --quiet disable defect-host@second.socket
    rm /etc/systemd/system/defect-host@second.socket
    check 'it is installed again' apt-get install --yes ./second.deb
    check 'it starts with the configuration and the data' systemctl start defect-host
    check 'which are as before' listed 'before the machine started again'
    check 'apt purges it' apt-get purge --yes defect-host
    check 'the configuration is gone' not test -e "$config"
    check 'the data is kept' grep -q 'before the machine started again' $state/defects/Shop*/defects.jsonl
    check 'and its owner' is "$(stat --format=%U $state/defects)" defect-host
    check 'systemd knows nothing of it' is "$(systemctl list-units --all --plain --no-legend 'defect-host*')" ''
}

run() { # parts...
    local part
    for part in "$@"; do
        echo "${part//_/ } ($SECONDS s)"
        # The units allow five starts in a minute.
        systemctl reset-failed 'defect-host*'
        "$part"
    done
}

if [ ! -e /var/lib/checked ]; then
    systemctl --version | head -n 1
    cp -r . /var/lib/checks
    cd /var/lib/checks || end 'failed'
    run install_it refuse_a_wrong_configuration start_it look_at_the_sandbox end_it_by_the_watchdog kill_it \
        break_the_configuration renew_the_certificate hand_the_socket_over serve_instances isolate_the_plugin upgrade_it
    touch /var/lib/checked
    echo 'starting the machine again'
    systemctl --no-block reboot
else
    cd /var/lib/checks || end 'failed'
    run find_it_after_the_start remove_it
    end 'all right'
fi
