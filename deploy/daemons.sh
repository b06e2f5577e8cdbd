# SPDX-License-Identifier: Apache-2.0
# Starting, finding and ending programs by their own process and no other. Sourced by deploy/quickstart.sh and
# tests/e2e/lib.sh. A program NAME started in folder D has D/NAME.pid ("pid starttime") and D/NAME.log.

# The moment a process started, in clock ticks: pid and this together name a process for good.
process_birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

daemon_pid() { # D NAME: prints the pid when it runs
	local pid birth
	read -r pid birth 2>/dev/null <"$1/$2.pid" || return 1
	[ -n "$birth" ] && [ "$(process_birth "$pid")" = "$birth" ] || return 1
	case "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)" in Z* | X* | "") return 1 ;; esac
	echo "$pid"
}

daemon_start() { # D NAME COMMAND...: in a session of its own, so that ^C in a terminal does not end it
	local dir=$1 name=$2 pid
	shift 2
	setsid "$@" >>"$dir/$name.log" 2>&1 </dev/null &
	pid=$!
	disown "$pid" 2>/dev/null || :
	echo "$pid $(process_birth "$pid")" >"$dir/$name.pid"
}

daemon_wait() { # D NAME SECONDS COMMAND...: until COMMAND succeeds; fails when the program ends before
	local dir=$1 name=$2 tries=$(($3 * 20))
	shift 3
	while [ "$tries" -gt 0 ]; do
		! "$@" >/dev/null 2>&1 || return 0
		daemon_pid "$dir" "$name" >/dev/null || return 1
		tries=$((tries - 1))
		sleep 0.05
	done
	return 1
}

daemon_stop() { # D NAME [SECONDS]: SIGTERM, and SIGKILL when it stays; fails when that was needed
	local pid tries=$((${3:-20} * 20)) rc=0
	pid=$(daemon_pid "$1" "$2") || { rm -f "$1/$2.pid" && return 0; }
	kill -TERM "$pid" 2>/dev/null || :
	while daemon_pid "$1" "$2" >/dev/null; do
		[ "$tries" -gt 0 ] || { kill -KILL "$pid" 2>/dev/null || :; rc=1; }
		tries=$((tries - 1))
		sleep 0.05
	done
	rm -f "$1/$2.pid"
	return $rc
}

daemon_kill() { # D NAME: kill -9, and wait until it is gone
	local pid
	pid=$(daemon_pid "$1" "$2") || return 0
	kill -KILL "$pid"
	while daemon_pid "$1" "$2" >/dev/null; do sleep 0.02; done
	rm -f "$1/$2.pid"
}

port_is_free() { ! { : <"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; }

# The first free loopback port from $1 on that no sibling has claimed: a claim is a folder, so that two scripts
# which look at the same moment do not get the same port.
port_pick() {
	local port=$1 claim owner
	while :; do
		claim=${TMPDIR:-/tmp}/manifold-port-$port
		if owner=$(cat "$claim/owner" 2>/dev/null) && [ ! -d "/proc/$owner" ]; then rm -rf "$claim"; fi
		if port_is_free "$port" && mkdir "$claim" 2>/dev/null; then
			echo $$ >"$claim/owner"
			echo "$port"
			return
		fi
		port=$((port + 1))
	done
}

# A loopback registry configuration on stdout: PORT FOLDER [HTPASSWD]
registry_config() {
	cat <<-EOF
		version: 0.1
		log: {level: warn, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $2}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:$1", secret: $(od -An -N16 -tx1 /dev/urandom | tr -d " \n")}
	EOF
	[ -z "${3:-}" ] || echo "auth: {htpasswd: {realm: registry, path: $3}}"
}
