import { BullModule } from '@nestjs/bullmq';
import { Global, Module } from '@nestjs/common';
import { type ConnectionOptions, createPostgresBackend, setDefaultBackendFactory } from 'bullmq';
import { DATABASE_URL } from '../database/database.tokens';
import { QueueConfig } from './queue.config';
import { QueuePool } from './queue-pool';

@Global()
@Module({
  providers: [
    {
      provide: QueuePool,
      inject: [DATABASE_URL, QueueConfig],
      useFactory: (databaseUrl: string, config: QueueConfig) =>
        config.queueUrl === undefined ? new QueuePool(databaseUrl, config.queuePoolSize) : null,
    },
  ],
  exports: [QueuePool],
})
class QueueConnectionModule {}

/** BullMQ over the platform's own Postgres, or over Redis where QUEUE_URL names one. Nothing else knows which. */
@Module({
  imports: [
    QueueConnectionModule,
    BullModule.forRootAsync({
      inject: [QueuePool, QueueConfig],
      useFactory: (pool: QueuePool | null, config: QueueConfig) => {
        setDefaultBackendFactory(pool ? createPostgresBackend : undefined);
        // What is sent in one turn goes out in one write.
        const redis = { url: config.queueUrl, maxRetriesPerRequest: null, enableAutoPipelining: true };
        return { connection: pool ? asConnection(pool) : redis };
      },
      // Workers start in processes with that role only, see `Workers`.
      extraOptions: { manualRegistration: true },
    }),
  ],
  exports: [QueueConnectionModule],
})
export class QueueModule {}

/** Nest's types know Redis connections alone; the value goes to the Postgres backend as it is. */
function asConnection(pool: QueuePool): ConnectionOptions {
  return pool;
}
