import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AccessRequest } from './access';

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<AccessRequest>();

/** Fails loudly where a route asks for what its `@Requires` does not provide. */
function provided<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The route's @Requires provides no ${what}`);
  return value;
}

/** The `Actor` that calls. */
export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext) =>
  provided(requestOf(context).actor, 'actor'),
);

/** The `GraphAccess` of a route with `@Requires('graph:...')`. */
export const CurrentGraph = createParamDecorator((_: unknown, context: ExecutionContext) =>
  provided(requestOf(context).access?.graph, 'graph'),
);

/** The `OrgAccess` of a route with `@Requires('org:...')`. */
export const CurrentOrg = createParamDecorator((_: unknown, context: ExecutionContext) =>
  provided(requestOf(context).access?.org, 'org'),
);

/** The `OperationAccess` of a route with `@Requires('operation:...')`. */
export const CurrentOperation = createParamDecorator((_: unknown, context: ExecutionContext) =>
  provided(requestOf(context).access?.operation, 'operation'),
);

/** Where a request comes from, known before who sends it: for login and registration. */
export interface Visitor {
  requestId: string;
  ip: string;
}

export function visitorOf(request: AccessRequest): Visitor {
  return { requestId: request.id, ip: request.ip };
}

export const CurrentVisitor = createParamDecorator((_: unknown, context: ExecutionContext) =>
  visitorOf(requestOf(context)),
);
