import { Module } from '@nestjs/common';
import { IdempotencyKeys } from './idempotency-keys';
import { IdempotencyInterceptor } from './idempotency.interceptor';
import { LostAnswers } from './lost-answers';

/** Creating requests that may be sent again. The interceptor is put before the routes in `app.module.ts`. */
@Module({
  providers: [IdempotencyKeys, IdempotencyInterceptor, LostAnswers],
  exports: [IdempotencyInterceptor, LostAnswers],
})
export class IdempotencyModule {}
