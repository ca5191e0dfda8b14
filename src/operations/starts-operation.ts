import {
  applyDecorators,
  createParamDecorator,
  type ExecutionContext,
  HttpCode,
  SetMetadata,
  type Type,
} from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { OperationContract } from './define-operation';
import { OperationDto, StartedOperationDto } from './dto/operation.dto';

export const STARTS_OPERATION = Symbol('starts operation');

/** Proxies give up on a silent connection after a minute or so. */
const LONGEST_SECONDS = 50;

export interface StartsOperationOptions {
  /** Status of the answer while the operation is not at its end. */
  status?: 200 | 202;
  /** Class of the answer, or each of those that it may be of, where it is not an operation's alone. */
  answer?: Type<object> | Type<object>[];
  /** Whether the handler waits by itself, for {@link PreferredWait}. */
  waits?: boolean;
}

/** What a route says of the operation that it starts. */
export interface StartedOperation {
  /** One of these, by what is asked for. `retry`: it is of the type of the one that is done again. */
  contracts: OperationContract[] | 'retry';
  /** Whether the handler waits by itself. */
  waits: boolean;
}

/**
 * A route that starts an operation of this type: it heeds `Prefer: wait=N` and answers 202, or with `wait` and an
 * operation that has ended 200. Every type of operation has such a route; a test finds the ones without.
 */
export function StartsOperation(
  contract: OperationContract | OperationContract[] | 'retry',
  { status = 202, answer, waits = false }: StartsOperationOptions = {},
): MethodDecorator {
  const contracts = contract === 'retry' ? contract : [contract].flat();
  const started: StartedOperation = { contracts, waits };
  const begun = `the operation (${contracts === 'retry' ? 'of the same type' : contracts.map(({ name }) => name).join(' or ')}) has begun`;
  const ended = 'it has ended, and the sender preferred to wait for that';
  const answers =
    status === 202
      ? [
          ApiResponse({ status: 202, ...shapeOf(answer ?? StartedOperationDto), description: begun }),
          ApiResponse({ status: 200, ...shapeOf(answer ?? OperationDto), description: ended }),
        ]
      : [
          ApiResponse({
            status: 200,
            ...shapeOf(answer ?? StartedOperationDto),
            description: `${begun}, or ${ended}`,
          }),
        ];
  return applyDecorators(
    SetMetadata(STARTS_OPERATION, started),
    HttpCode(status),
    ApiHeader({
      name: 'Prefer',
      required: false,
      description: `wait=N: answer when the operation has ended, or after N seconds (at most ${LONGEST_SECONDS})`,
    }),
    ...(Array.isArray(answer) ? [ApiExtraModels(...answer)] : []),
    ...answers,
  );
}

function shapeOf(answer: Type<object> | Type<object>[]): { type: Type<object> } | { schema: object } {
  return Array.isArray(answer)
    ? { schema: { oneOf: answer.map((one) => ({ $ref: getSchemaPath(one) })) } }
    : { type: answer };
}

/** Milliseconds for which the sender prefers to wait for the end, as number; null where it does not say. */
export const PreferredWait = createParamDecorator((_: unknown, context: ExecutionContext): number | null => {
  const seconds = preferredSeconds(context.switchToHttp().getRequest<FastifyRequest>().headers.prefer);
  return seconds === null ? null : seconds * 1_000;
});

/** The N of `wait=N` among the preferences, at most {@link LONGEST_SECONDS}; other preferences are ignored, as they should be. */
export function preferredSeconds(header: string | string[] | undefined): number | null {
  const preferences = [header ?? []].flat().join(',').split(',');
  const wait = preferences.map((one) => /^\s*wait\s*=\s*"?(\d{1,6})"?\s*$/i.exec(one)?.[1]).find((found) => found);
  return wait === undefined ? null : Math.min(Number(wait), LONGEST_SECONDS);
}
