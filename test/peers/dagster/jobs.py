"""The code location of the tests: the example of deploy/dagster as it is, and jobs that end as a test wants."""

import json
import sys
import time
from pathlib import Path

import dagster as dg

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / 'deploy' / 'dagster'))
import graphstead_jobs  # noqa: E402


class Steps(dg.Config):
    steps: int = 3
    seconds: float = 0.2
    fail_at: int = -1
    ignore_stop: bool = False


@dg.op
def work(context: dg.OpExecutionContext, config: Steps) -> int:
    done = 0
    while done < config.steps:
        try:
            time.sleep(config.seconds)
            done += 1
            context.log.info('PROGRESS ' + json.dumps({'done': done, 'total': config.steps, 'colour': 'blue'}))
            if done == config.fail_at:
                raise ValueError(f'told to fail at step {done}, see /srv/secret/place.csv')
        except ValueError:
            raise
        except BaseException:
            if not config.ignore_stop:
                raise
    return done


@dg.job
def works():
    work()


defs = dg.Definitions.merge(graphstead_jobs.defs, dg.Definitions(jobs=[works]))
