import { Global, Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { AccessCache } from './access-cache';
import { AccessGuard } from './access.guard';
import { AccessRepository } from './access.repository';
import { AccessService } from './access.service';
import { AccessTargets } from './access-targets';
import { GuardedRoutes } from './guarded-routes';
import { KeyUsage } from './key-usage';

/** The guard before every route, and the service behind it for everybody else. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    AccessRepository,
    AccessCache,
    AccessTargets,
    AccessService,
    KeyUsage,
    GuardedRoutes,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AccessService, AccessTargets, KeyUsage],
})
export class AccessModule {}
