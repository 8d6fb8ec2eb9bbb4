#!/bin/sh
# The tests' downloader: an external program of ours whose conduct is the last part of the course's address.
#   -c <courseUrl> -o <sandbox>
while [ $# -gt 1 ]; do
  case "$1" in
    -c) url=$2 ;;
    -o) out=$2 ;;
  esac
  shift 2
done
conduct=${url%/}
conduct=${conduct##*/}
echo "$TASK_ID" >> "$out/../downloads-$TASK_ID"
tries=$(wc -l < "$out/../downloads-$TASK_ID" | tr -d ' ')
folder="$out/Course $TASK_ID"

deliver() {
  mkdir -p "$folder/part"
  echo "10%"
  [ -f "$folder/a.txt" ] || echo "first of $TASK_ID" > "$folder/a.txt"
  echo "55.5%"
  printf 'second of %s\n' "$TASK_ID" > "$folder/part/b.txt"
  echo "100%"
}

case "$conduct" in
  fails-once) [ "$tries" -ge 2 ] || exit 7; deliver ;;
  fails-always) echo "no luck" >&2; exit 9 ;;
  resumes)
    mkdir -p "$folder"
    if [ ! -f "$folder/a.txt" ]; then echo "kept from the first try" > "$folder/a.txt"; exit 1; fi
    deliver ;;
  nothing) exit 0 ;;
  two) mkdir -p "$out/one" "$out/two"; echo x > "$out/one/x"; exit 0 ;;
  file) echo x > "$out/only-a-file"; exit 0 ;;
  empty) mkdir -p "$folder"; exit 0 ;;
  link) deliver; ln -s /etc/passwd "$folder/link" ;;
  hangs) echo "started"; exec sleep 1000 ;;
  silent) sleep 1000 & echo $! > "$out/../child-$TASK_ID"; wait ;;
  ignores-term) trap '' TERM; echo "deaf"; sleep 1000 & while :; do wait; done ;;
  forks)
    deliver
    # Double fork and a session of its own: its parent is gone, its output goes nowhere.
    (setsid sh -c 'echo $$ > "$1"; exec sleep 1000' sh "$out/../grandchild-$TASK_ID" >/dev/null 2>&1 &)
    while [ ! -s "$out/../grandchild-$TASK_ID" ]; do sleep 0.05; done
    sleep 1.2 ;;
  forks-and-goes)
    deliver
    (setsid sh -c 'echo $$ > "$1"; exec sleep 1000' sh "$out/../grandchild-$TASK_ID" >/dev/null 2>&1 &)
    while [ ! -s "$out/../grandchild-$TASK_ID" ]; do sleep 0.02; done ;;
  forks-holding)
    deliver
    (sh -c 'echo $$ > "$1"; exec sleep 1000' sh "$out/../grandchild-$TASK_ID" &)
    while [ ! -s "$out/../grandchild-$TASK_ID" ]; do sleep 0.05; done ;;
  floods) deliver; dd if=/dev/zero bs=1048576 count=400 2>/dev/null | tr '\0' 'x'; echo; echo "the last line" ;;
  big) mkdir -p "$folder"; head -c 1000000 /dev/zero > "$folder/big" || exit 28 ;;
  slow)
    mkdir -p "$folder"
    i=0
    while [ $i -lt 20 ]; do i=$((i + 1)); echo "$((i * 5))%"; sleep 0.1; done
    deliver ;;
  gated)
    # Goes on when the test says so.
    echo "waiting"
    while [ ! -e "$out/../go-$TASK_ID" ]; do sleep 0.05; done
    deliver ;;
  gated-fails)
    while [ ! -e "$out/../go-$TASK_ID" ]; do sleep 0.05; done
    exit 9 ;;
  half)
    # Says how far it is, and goes on when the test says so.
    echo "40%"
    while [ ! -e "$out/../go-$TASK_ID" ]; do sleep 0.05; done
    deliver ;;
  leaks)
    # All it can know: its own environment and its parent's, a token in two parts, and in base64.
    env
    tr '\0' '\n' < "/proc/$PPID/environ"
    tr '\0' ' ' < "/proc/$PPID/cmdline"
    printf 'in two: '
    printf %s "$COURSE_TOKEN" | cut -c1-9 | tr -d '\n'
    sleep 0.3
    printf %s "$COURSE_TOKEN" | cut -c10-
    printf 'x:%s' "$COURSE_TOKEN" | base64
    exit 9 ;;
  prints-environment) env | sort > "$out/../environment-$TASK_ID"; deliver ;;
  named-*)
    folder="$out/$(cat "$out/../name-$TASK_ID")"
    deliver ;;
  *) deliver ;;
esac
