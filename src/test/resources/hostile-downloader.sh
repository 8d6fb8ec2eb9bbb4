#!/bin/sh
# The tests' hostile downloader: leaves in its sandbox whatever a test has planned for the task.
#   <courseUrl> <sandbox>
out=$2
. "@DIR@/plans/$TASK_ID"
