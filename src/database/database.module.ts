import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DatabaseConfig } from './database.config';
import { DATABASE_URL } from './database.tokens';
import { Notifications } from './notifications';
import { PlatformSecrets } from './platform-secrets';
import { Transactor } from './transactor';

/** The connection pool, transactions and notifications. Feature modules register their own entities. */
@Module({})
export class DatabaseModule {
  static forRoot(databaseUrl: string): DynamicModule {
    const url = { provide: DATABASE_URL, useValue: databaseUrl };
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [DatabaseConfig],
          useFactory: (config: DatabaseConfig) => ({
            type: 'postgres',
            url: databaseUrl,
            autoLoadEntities: true,
            poolSize: config.poolSize,
            applicationName: 'graphstead',
            extra: {
              keepAlive: true,
              idle_in_transaction_session_timeout: config.idleTransactionSeconds * 1000,
            },
          }),
        }),
      ],
      providers: [url, Transactor, Notifications, PlatformSecrets],
      exports: [url, Transactor, Notifications, PlatformSecrets],
    };
  }
}
