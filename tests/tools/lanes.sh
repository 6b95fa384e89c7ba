# shellcheck shell=bash disable=SC2154 # logs and alone are the caller's
# Runs steps, which are functions of who sources this, two at a time: run_steps STEP...
# Wants $logs, a folder, and $alone, the names of steps that have the host to themselves: they come last, one by one.
# A step's output goes to $logs/STEP.log; a reason in missing[STEP] says that it could not run here. Sets $failed.

declare -A missing=() pids=() began=()
failed=()
lanes=2
[ "$(nproc)" -gt 1 ] || lanes=1

# A process group each, so that a step can be stopped with all that it has started.
start_step() {
  began[$1]=$SECONDS
  rm -f "$logs/$1.missing"
  printf '%-13s started\n' "$1"
  set -m
  {
    (
      set +m
      "$1"
      code=$?
      # Its second line is of what has ended. Beside another step the time by the clock says little of what a step costs.
      times >"$logs/$1.cpu"
      [ -z "${missing[$1]:-}" ] || printf '%s' "${missing[$1]}" >"$logs/$1.missing"
      exit $code
    ) >"$logs/$1.log" 2>&1 </dev/null 9>&-
    code=$?
    echo "$1" >&9
    exit $code
  } 2>>"$logs/$1.log" &
  pids[$1]=$!
  set +m
}

# Wait for the next step that ends, by the name that it writes; one that was killed writes none.
await_step() {
  local step
  while true; do
    if read -r -t 2 -u 9 step; then
      [ -z "${pids[$step]:-}" ] || break
    else
      for step in "${!pids[@]}"; do kill -0 "${pids[$step]}" 2>/dev/null || break 2; done
    fi
  done
  wait "${pids[$step]}"
  end_step "$step" $?
}

# What a step's processes took of the processors, user and system, in seconds: those that somebody waited for.
cpu_seconds() { tr 'ms' '  ' <"$logs/$1.cpu" | awk 'NR == 2 { printf "%d", $1 * 60 + $2 + $3 * 60 + $4 }'; }

end_step() {
  local step=$1 code=$2 seconds=$((SECONDS - began[$1])) why
  why=$(cat "$logs/$step.missing" 2>/dev/null)
  unset "pids[$step]"
  if [ "$code" != 0 ]; then
    failed+=("$step")
    printf '%-13s FAILED   %4d s   build/logs/%s.log ends:\n' "$step" "$seconds" "$step"
    tail -n "${LOG_LINES:-60}" "$logs/$step.log" | sed 's/^/    /'
  elif [ -n "$why" ]; then
    printf '%-13s NOT RUN  %s\n' "$step" "$why"
    [ "${CI:-}" != true ] || failed+=("$step")
  else
    printf '%-13s passed   %4d s   CPU %4d s   %s\n' "$step" "$seconds" "$(cpu_seconds "$step")" \
      "$(grep -E '^[0-9]+ passed|^=+ .*[0-9]+ passed|^TOTAL ' "$logs/$step.log" | tr -d = | xargs echo)"
  fi
}

stop_steps() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null; done
}

run_steps() {
  local step pipe together=() by_itself=()
  for step in "$@"; do
    case " $alone " in *" $step "*) by_itself+=("$step") ;; *) together+=("$step") ;; esac
  done
  pipe=$(mktemp -u) && mkfifo -m 600 "$pipe" && exec 9<>"$pipe" && rm "$pipe" || return 1
  trap 'stop_steps; exit 130' INT TERM
  for step in "${together[@]}"; do
    while [ ${#pids[@]} -ge $lanes ]; do await_step; done
    start_step "$step"
  done
  while [ ${#pids[@]} -gt 0 ]; do await_step; done
  for step in "${by_itself[@]}"; do
    start_step "$step"
    await_step
  done
  trap - INT TERM
  exec 9>&-
}
