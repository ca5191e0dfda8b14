import answers from '../../test/support/dagster-answers.json';
import { DagsterApi } from './dagster-api';
import type { DagsterClient } from './dagster-client';
import { DagsterConfig } from './dagster.config';

/** What a Dagster 1.13 answered, and what else its schema lets it answer. */
describe('what is asked of Dagster', () => {
  let answer: unknown;
  const sent: { name: string; variables: unknown }[] = [];
  const client = {
    send: async ({ name }: { name: string }, variables: unknown) => {
      sent.push({ name, variables });
      return structuredClone(answer);
    },
  };
  const api = new DagsterApi(client as unknown as DagsterClient, new DagsterConfig());
  const launch = (launchRun?: object): Promise<string> => {
    if (launchRun) answer = { launchRun };
    return api.launch('works', { runConfig: {}, tags: { a: 'b' } });
  };

  it('a run is launched with its tags, and its id is known', async () => {
    answer = answers.launched;
    expect(await launch()).toBe(answers.launched.launchRun.run.runId);
    expect(sent.at(-1)).toMatchObject({
      name: 'LaunchRun',
      variables: {
        executionParams: {
          selector: { jobName: 'works', repositoryName: '__repository__', repositoryLocationName: 'graphstead' },
          executionMetadata: { tags: [{ key: 'a', value: 'b' }] },
        },
      },
    });
  });

  it('a configuration that does not fit is named by its places, without what it holds', async () => {
    answer = answers.config_invalid;
    const error = await launch().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: 'dagster_config_invalid',
      details: {
        problems: [
          { path: 'ops.work.config', reason: 'field_not_defined' },
          { path: 'ops.work.config.steps', reason: 'runtime_type_mismatch' },
        ],
      },
    });
  });

  it.each([
    ['PipelineNotFoundError', 'dagster_job_not_found'],
    ['UnauthorizedError', 'dagster_unauthorized'],
    ['PythonError', 'dagster_failed'],
    ['RunConflict', 'dagster_run_conflict'],
    ['InvalidSubsetError', 'dagster_subset_invalid'],
    ['InvalidStepError', 'dagster_step_invalid'],
    ['InvalidOutputError', 'dagster_step_invalid'],
    ['PresetNotFoundError', 'dagster_parameters_invalid'],
    ['ConflictingExecutionParamsError', 'dagster_parameters_invalid'],
    ['NoModeProvidedError', 'dagster_parameters_invalid'],
  ])('a launch that ends in %s is %s, in our words alone', async (__typename, code) => {
    const error = await launch({ __typename, message: 'in /srv/code/jobs.py', className: null }).catch(
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect((error as Error).message).not.toContain('/srv');
  });

  it('the runs of an operation come oldest first', async () => {
    const run = (runId: string, creationTime: number) => ({
      __typename: 'Run',
      runId,
      status: 'STARTED',
      creationTime,
    });
    answer = { runsOrError: { __typename: 'Runs', results: [run('new', 2), run('old', 1)] } };
    expect((await api.runsOf('op_1')).map(({ runId }) => runId)).toEqual(['old', 'new']);
    answer = { runsOrError: { __typename: 'InvalidPipelineRunsFilterError', message: 'x' } };
    await expect(api.runsOf('op_1')).rejects.toMatchObject({ code: 'dagster_failed' });
  });

  it('a cursor that it does not take is a failure, a run that is gone is not found', async () => {
    answer = answers.bad_cursor;
    await expect(api.events('r', 'nonsense')).rejects.toMatchObject({ code: 'dagster_failed' });
    answer = answers.run_not_found;
    await expect(api.events('r', null)).rejects.toMatchObject({ code: 'dagster_run_not_found' });
  });

  it('says whether it has taken the wish to terminate', async () => {
    answer = answers.terminated;
    expect(await api.terminate('r', 'SAFE_TERMINATE')).toBe(true);
    answer = answers.terminate_ended;
    expect(await api.terminate('r', 'SAFE_TERMINATE')).toBe(false);
    answer = answers.terminate_unknown;
    expect(await api.terminate('r', 'SAFE_TERMINATE')).toBe(false);
    answer = { terminateRun: { __typename: 'UnauthorizedError', message: '' } };
    await expect(api.terminate('r', 'SAFE_TERMINATE')).rejects.toMatchObject({ code: 'dagster_unauthorized' });
  });
});
