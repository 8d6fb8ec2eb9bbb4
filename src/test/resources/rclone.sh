#!/bin/sh
# Counts the runs of rclone and breaks those it is told to; everything else is the real rclone's doing.
# @RCLONE@ and @DIR@ are put in by the tests.
verb=other
for word in "$@"; do
  case "$word" in
    move) verb=move; break ;;
    lsjson) verb=list; break ;;
    backend) verb=features; break ;;
  esac
done
for last in "$@"; do :; done
echo "$last" >> "@DIR@/rclone-$verb"
if [ -s "@DIR@/break-$verb" ]; then
  line=$(head -n 1 "@DIR@/break-$verb")
  sed -i 1d "@DIR@/break-$verb"
  case "$line" in
    quota) echo "googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded" >&2; exit 5 ;;
    exit-*) exit "${line#exit-}" ;;
    # rclone itself stops after the first file or so, and says so with its exit code.
    half) exec "@RCLONE@" --transfers 1 --checkers 1 --max-transfer 1B --cutoff-mode SOFT "$@" ;;
    # It has ended, and what it prints comes later, from somebody who is not known as one of the job's.
    late)
      env -u WAYBILL_SANDBOX sh -c 'all=$("$@"); : > "@DIR@/late"; sleep 0.7; printf "%s\n" "$all"' sh "@RCLONE@" "$@" &
      while [ ! -e "@DIR@/late" ]; do sleep 0.01; done
      exit 0 ;;
    gated) echo "waiting" >&2; while [ ! -e "@DIR@/go-$verb" ]; do sleep 0.05; done ;;
  esac
fi
exec "@RCLONE@" "$@"
