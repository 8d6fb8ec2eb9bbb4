# Whoever starts while another program of the same task still runs says so, for the checker to read.
alone() {
  if read -r other < "$1" 2>/dev/null && [ "$other" != $$ ] &&
    tr '\0' '\n' < "/proc/$other/environ" 2>/dev/null | grep -qx "TASK_ID=$TASK_ID"; then
    echo "task $TASK_ID: $other still ran when $$ was started" >> "$notes/overlaps"
  fi
  echo $$ > "$1"
}
