import { Controller, Get, HttpCode, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../auth/requires';
import { Clock } from '../common/clock';
import { PlatformConfig } from '../config/platform.config';
import { DatabaseStates } from './database-state';

@ApiTags('status')
@Controller('v1/status')
export class StatusController {
  constructor(
    private readonly databases: DatabaseStates,
    private readonly clock: Clock,
    private readonly platform: PlatformConfig,
  ) {}

  /** 200 while the database answers, else 503: what a load balancer or a container's health check asks for. */
  @Get()
  @HttpCode(200)
  @Public()
  @ApiOperation({ summary: 'Whether this process can serve requests' })
  async status(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const database = await this.databases.current();
    if (database === 'down') void reply.status(503);
    return {
      status: database === 'up' ? 'healthy' : 'unhealthy',
      timestamp: this.clock.now().toISOString(),
      details: { database, roles: this.platform.roles },
    };
  }
}
