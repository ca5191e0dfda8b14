// Made by `npm run dagster:types` from schema.graphql and statements.graphql. Do not edit.

/** A statement of Dagster's API, with the types of its answer and of its variables. */
export interface Statement<Answer, Variables> {
  readonly name: string;
  readonly text: string;
  /** Never there: carries the types alone. */
  readonly types?: (variables: Variables) => Answer;
}

/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
export type EvaluationErrorReason =
  | 'RUNTIME_TYPE_MISMATCH'
  | 'MISSING_REQUIRED_FIELD'
  | 'MISSING_REQUIRED_FIELDS'
  | 'FIELD_NOT_DEFINED'
  | 'FIELDS_NOT_DEFINED'
  | 'SELECTOR_FIELD_ERROR';

export type RunStatus =
  | 'QUEUED'
  | 'NOT_STARTED'
  | 'MANAGED'
  | 'STARTING'
  | 'STARTED'
  | 'SUSPENDED'
  | 'SUCCESS'
  | 'FAILURE'
  | 'CANCELING'
  | 'CANCELED';

export type TerminateRunPolicy = 'SAFE_TERMINATE' | 'MARK_AS_CANCELED_IMMEDIATELY';

export type AssetKeyInput = {
  path: Array<string>;
};

export type ExecutionMetadata = {
  tags?: Array<ExecutionTag> | null | undefined;
  rootRunId?: string | null | undefined;
  parentRunId?: string | null | undefined;
};

export type ExecutionParams = {
  selector: JobOrPipelineSelector;
  runConfigData?: object | null | undefined;
  mode?: string | null | undefined;
  executionMetadata?: ExecutionMetadata | null | undefined;
  stepKeys?: Array<string> | null | undefined;
  preset?: string | null | undefined;
};

export type JobOrPipelineSelector = {
  pipelineName?: string | null | undefined;
  jobName?: string | null | undefined;
  repositoryName: string;
  repositoryLocationName: string;
  solidSelection?: Array<string> | null | undefined;
  assetSelection?: Array<AssetKeyInput> | null | undefined;
  assetCheckSelection?: Array<AssetCheckHandleInput> | null | undefined;
};

export type AssetCheckHandleInput = {
  assetKey: AssetKeyInput;
  name: string;
};

export type ExecutionTag = {
  key: string;
  value: string;
};

export type RunsFilter = {
  runIds?: Array<string | null | undefined> | null | undefined;
  pipelineName?: string | null | undefined;
  tags?: Array<ExecutionTag> | null | undefined;
  statuses?: Array<RunStatus> | null | undefined;
  snapshotId?: string | null | undefined;
  updatedAfter?: number | null | undefined;
  updatedBefore?: number | null | undefined;
  createdBefore?: number | null | undefined;
  createdAfter?: number | null | undefined;
  mode?: string | null | undefined;
};

export type RunsOfOperationQueryVariables = Exact<{
  filter: RunsFilter;
}>;

export type RunsOfOperationQuery = {
  __typename: 'Query';
  runsOrError:
    | {
        __typename: 'Runs';
        results: Array<{ __typename: 'Run'; runId: string; status: RunStatus; creationTime: number }>;
      }
    | { __typename: 'InvalidPipelineRunsFilterError'; message: string }
    | { __typename: 'PythonError'; message: string; className: string | null };
};

export type RunEventsQueryVariables = Exact<{
  runId: string | number;
  afterCursor?: string | null | undefined;
  limit: number;
}>;

export type RunEventsQuery = {
  __typename: 'Query';
  logsForRun:
    | {
        __typename: 'EventConnection';
        cursor: string;
        hasMore: boolean;
        events: Array<
          | {
              __typename: 'ExecutionStepFailureEvent';
              message: string;
              timestamp: string;
              stepKey: string | null;
              error: {
                __typename: 'PythonError';
                message: string;
                className: string | null;
                cause: { __typename: 'PythonError'; message: string; className: string | null } | null;
              } | null;
            }
          | { __typename: 'ExecutionStepInputEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepOutputEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepSkippedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepStartEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepSuccessEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepUpForRetryEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ExecutionStepRestartEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'HealthChangedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'LogMessageEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ResourceInitFailureEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ResourceInitStartedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ResourceInitSuccessEvent'; message: string; timestamp: string; stepKey: string | null }
          | {
              __typename: 'RunFailureEvent';
              message: string;
              timestamp: string;
              stepKey: string | null;
              error: {
                __typename: 'PythonError';
                message: string;
                className: string | null;
                cause: { __typename: 'PythonError'; message: string; className: string | null } | null;
              } | null;
            }
          | { __typename: 'RunStartEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunEnqueuedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunDequeuedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunStartingEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunCancelingEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunCanceledEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunSuspendedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunResumedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'RunSuccessEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'StepWorkerStartedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'StepWorkerStartingEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'HandledOutputEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'LoadedInputEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'LogsCapturedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ObjectStoreOperationEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'StepExpectationResultEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'MaterializationEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'ObservationEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'FailedToMaterializeEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'EngineEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'HookCompletedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'HookSkippedEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'HookErroredEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'AlertStartEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'AlertSuccessEvent'; message: string; timestamp: string; stepKey: string | null }
          | { __typename: 'AlertFailureEvent'; message: string; timestamp: string; stepKey: string | null }
          | {
              __typename: 'AssetMaterializationPlannedEvent';
              message: string;
              timestamp: string;
              stepKey: string | null;
            }
          | {
              __typename: 'AssetCheckEvaluationPlannedEvent';
              message: string;
              timestamp: string;
              stepKey: string | null;
            }
          | { __typename: 'AssetCheckEvaluationEvent'; message: string; timestamp: string; stepKey: string | null }
        >;
      }
    | { __typename: 'RunNotFoundError'; message: string }
    | { __typename: 'PythonError'; message: string; className: string | null };
};

export type LaunchRunMutationVariables = Exact<{
  executionParams: ExecutionParams;
}>;

export type LaunchRunMutation = {
  __typename: 'Mutation';
  launchRun:
    | { __typename: 'LaunchRunSuccess'; run: { __typename: 'Run'; runId: string; status: RunStatus } }
    | { __typename: 'InvalidStepError' }
    | { __typename: 'InvalidOutputError' }
    | {
        __typename: 'RunConfigValidationInvalid';
        errors: Array<
          | {
              __typename: 'FieldNotDefinedConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
          | {
              __typename: 'FieldsNotDefinedConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
          | {
              __typename: 'MissingFieldConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
          | {
              __typename: 'MissingFieldsConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
          | {
              __typename: 'RuntimeMismatchConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
          | {
              __typename: 'SelectorTypeConfigError';
              message: string;
              reason: EvaluationErrorReason;
              stack: {
                __typename: 'EvaluationStack';
                entries: Array<
                  | { __typename: 'EvaluationStackListItemEntry' }
                  | { __typename: 'EvaluationStackPathEntry'; fieldName: string }
                  | { __typename: 'EvaluationStackMapKeyEntry' }
                  | { __typename: 'EvaluationStackMapValueEntry' }
                >;
              };
            }
        >;
      }
    | { __typename: 'PipelineNotFoundError'; message: string }
    | { __typename: 'RunConflict'; message: string }
    | { __typename: 'UnauthorizedError'; message: string }
    | { __typename: 'PythonError'; message: string; className: string | null }
    | { __typename: 'InvalidSubsetError'; message: string }
    | { __typename: 'PresetNotFoundError'; message: string }
    | { __typename: 'ConflictingExecutionParamsError'; message: string }
    | { __typename: 'NoModeProvidedError'; message: string };
};

export type TerminateRunMutationVariables = Exact<{
  runId: string;
  policy: TerminateRunPolicy;
}>;

export type TerminateRunMutation = {
  __typename: 'Mutation';
  terminateRun:
    | { __typename: 'TerminateRunSuccess'; run: { __typename: 'Run'; runId: string; status: RunStatus } }
    | {
        __typename: 'TerminateRunFailure';
        message: string;
        run: { __typename: 'Run'; runId: string; status: RunStatus };
      }
    | { __typename: 'RunNotFoundError'; message: string }
    | { __typename: 'UnauthorizedError'; message: string }
    | { __typename: 'PythonError'; message: string; className: string | null };
};

export const RunsOfOperation: Statement<RunsOfOperationQuery, RunsOfOperationQueryVariables> = {
  name: 'RunsOfOperation',
  text: `query RunsOfOperation($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 20) {
    __typename
    ... on Runs {
      results {
        runId
        status
        creationTime
      }
    }
    ... on InvalidPipelineRunsFilterError {
      message
    }
    ... on PythonError {
      message
      className
    }
  }
}`,
};

export const RunEvents: Statement<RunEventsQuery, RunEventsQueryVariables> = {
  name: 'RunEvents',
  text: `query RunEvents($runId: ID!, $afterCursor: String, $limit: Int!) {
  logsForRun(runId: $runId, afterCursor: $afterCursor, limit: $limit) {
    __typename
    ... on EventConnection {
      cursor
      hasMore
      events {
        __typename
        ... on MessageEvent {
          message
          timestamp
          stepKey
        }
        ... on ExecutionStepFailureEvent {
          error {
            message
            className
            cause {
              message
              className
            }
          }
        }
        ... on RunFailureEvent {
          error {
            message
            className
            cause {
              message
              className
            }
          }
        }
      }
    }
    ... on RunNotFoundError {
      message
    }
    ... on PythonError {
      message
      className
    }
  }
}`,
};

export const LaunchRun: Statement<LaunchRunMutation, LaunchRunMutationVariables> = {
  name: 'LaunchRun',
  text: `mutation LaunchRun($executionParams: ExecutionParams!) {
  launchRun(executionParams: $executionParams) {
    __typename
    ... on LaunchRunSuccess {
      run {
        runId
        status
      }
    }
    ... on RunConfigValidationInvalid {
      errors {
        message
        reason
        stack {
          entries {
            __typename
            ... on EvaluationStackPathEntry {
              fieldName
            }
          }
        }
      }
    }
    ... on Error {
      message
    }
    ... on PythonError {
      className
    }
  }
}`,
};

export const TerminateRun: Statement<TerminateRunMutation, TerminateRunMutationVariables> = {
  name: 'TerminateRun',
  text: `mutation TerminateRun($runId: String!, $policy: TerminateRunPolicy!) {
  terminateRun(runId: $runId, terminatePolicy: $policy) {
    __typename
    ... on TerminateRunSuccess {
      run {
        runId
        status
      }
    }
    ... on TerminateRunFailure {
      message
      run {
        runId
        status
      }
    }
    ... on RunNotFoundError {
      message
    }
    ... on UnauthorizedError {
      message
    }
    ... on PythonError {
      message
      className
    }
  }
}`,
};
