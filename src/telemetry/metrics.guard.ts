import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { AccessRequest } from '../auth/access';
import { requireOperator, requireScope, requireUnbound } from '../auth/access-rules';
import { AccessService } from '../auth/access.service';
import { Unauthenticated } from '../auth/auth.errors';
import { visitorOf } from '../auth/current';
import { bearerToken, presentedSecret } from '../auth/presented-secret';
import { TelemetryConfig } from './telemetry.config';

/** Lets in whoever brings METRICS_TOKEN, a collector as a rule, and operators with a credential that may read. */
@Injectable()
export class MetricsGuard implements CanActivate {
  constructor(
    private readonly config: TelemetryConfig,
    private readonly access: AccessService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AccessRequest>();
    const { metricsToken } = this.config;
    const token = bearerToken(request);
    if (metricsToken !== undefined && token !== null && same(token, metricsToken)) return true;
    const secret = presentedSecret(request);
    if (!secret) throw new Unauthenticated();
    const { actor } = await this.access.authenticate(secret, visitorOf(request), { kind: 'none' });
    requireOperator(actor);
    requireUnbound(actor, 'read');
    requireScope(actor, 'read');
    return true;
  }
}

/** Compares in a time that does not depend on where the two differ. */
function same(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left, right);
}
