#!/bin/sh
# Epilog= of slurm.conf, run by slurmd as root when a job has ended on the node: its key works no longer.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
rm -f "${EVO_TOKEN_JOB_KEYS:-/run/evo-token-jobs}/$SLURM_JOB_ID"
evo-token caller remove "job-$SLURM_JOB_ID" >/dev/null 2>&1
exit 0
