#!/bin/sh
# TaskProlog= of slurm.conf, run as the job's user: what it prints becomes the environment of the job. The key itself stays in its file.
directory=${EVO_TOKEN_JOB_KEYS:-/run/evo-token-jobs}
file=$directory/$SLURM_JOB_ID
test -r "$file" || exit 0
echo "export EVO_TOKEN_URL=http://127.0.0.1:13860"
echo "export EVO_TOKEN_APP=evo-$(id -un)"
echo "export EVO_TOKEN_CALLER=job-$SLURM_JOB_ID"
echo "export EVO_TOKEN_KEY_FILE=$file"
