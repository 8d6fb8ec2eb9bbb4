#!/bin/sh
# The rclone of ./waybill torture: now and then its first move ends well and leaves files behind, and sometimes it waits.
notes=@DIR@/notes
. @DIR@/alone.sh
verb=other
for word in "$@"; do
  case "$word" in
    move | lsjson) verb=$word; break ;;
  esac
done
alone "$notes/running-$TASK_ID"
if [ "$verb" = move ]; then
  echo start >> "$notes/moves-$TASK_ID"
  tries=$(wc -l < "$notes/moves-$TASK_ID")
  if [ -e "$notes/gate-move-$TASK_ID" ] && [ "$tries" -ge 2 ]; then
    while [ ! -e "$notes/go-move-$TASK_ID" ]; do echo waiting >&2; sleep 0.1; done
  fi
  if [ "$tries" -eq 1 ] && { [ $((TASK_ID % 17)) -eq 0 ] || [ -e "$notes/gate-move-$TASK_ID" ]; }; then
    "@RCLONE@" --transfers 1 --checkers 1 --max-transfer 1B --cutoff-mode SOFT "$@"
    exit 0
  fi
fi
exec "@RCLONE@" "$@"
