#!/bin/sh
# Prolog= of slurm.conf, run by slurmd as root on each node of a job: gives the job an access key of the node's reader, for the
# app evo-USER and nothing else, in /run/evo-token-jobs/JOB, which the job's user alone can read.
# A job without a key runs all the same: a prolog that fails would take the node out of service.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
umask 077

directory=${EVO_TOKEN_JOB_KEYS:-/run/evo-token-jobs}
file=$directory/$SLURM_JOB_ID
# Root's, so that no user can put anything there.
mkdir -p "$directory" && chmod 0711 "$directory" || exit 0
# What is left of a job that was started again.
rm -f "$file"
evo-token caller remove "job-$SLURM_JOB_ID" >/dev/null 2>&1

# As long as a job may last: the epilog takes the key away, and this holds where a node lost its power before.
if said=$(evo-token caller add "job-$SLURM_JOB_ID" --app "evo-$SLURM_JOB_USER" --expires 14d --out "$file" 2>&1); then
  chown "$SLURM_JOB_UID" "$file"
else
  logger -t evo-token "no key for job $SLURM_JOB_ID of $SLURM_JOB_USER: $said"
fi
exit 0
