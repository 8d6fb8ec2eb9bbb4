#!/bin/sh
# The downloader of ./waybill torture: what it brings is a function of the task id and a seed, how it goes of the course.
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
notes=@DIR@/notes
. @DIR@/alone.sh
alone "$notes/running-$TASK_ID"
echo start >> "$notes/downloads-$TASK_ID"
tries=$(wc -l < "$notes/downloads-$TASK_ID")
folder="$out/Khóa học $TASK_ID"
mkdir -p "$folder/phần 1"

first() { echo "@SEED@ first of $TASK_ID" > "$folder/a.txt"; }
second() { yes "@SEED@ second of $TASK_ID" | head -n 2000 > "$folder/phần 1/b.txt"; }
third() { : > "$folder/-c.txt"; }
deliver() { echo 10%; first; echo 55%; second; third; echo 100%; }

case "$conduct" in
  fails-once) [ "$tries" -ge 2 ] || exit 7; deliver ;;
  half-once) first; [ "$tries" -ge 2 ] || { echo half > "$folder/phần 1/b.txt"; exit 8; }; deliver ;;
  hangs-once) [ "$tries" -ge 2 ] || exec sleep 1000; deliver ;;
  fails-always) echo "no luck" >&2; exit 9 ;;
  slow)
    i=0
    while [ $i -lt 40 ]; do i=$((i + 1)); echo "$((i * 5 / 2))%"; sleep 0.2; done
    deliver ;;
  gated) while [ ! -e "$notes/go-$TASK_ID" ]; do sleep 0.05; done; deliver ;;
  forks)
    deliver
    # Double fork and a session of its own: its parent is gone, its output goes nowhere.
    (setsid sh -c 'echo $$ > "$1"; exec sleep 1000' sh "$notes/grandchild-$TASK_ID" >/dev/null 2>&1 &)
    while [ ! -s "$notes/grandchild-$TASK_ID" ]; do sleep 0.05; done
    sleep 1.2 ;;
  *) deliver ;;
esac
echo "whole $(date +%s)" >> "$notes/whole-$TASK_ID"
