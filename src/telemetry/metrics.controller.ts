import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/requires';
import { Metrics } from './metrics';
import { MetricsGuard } from './metrics.guard';

@ApiTags('status')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** Public to the guard of users, because a collector is none; {@link MetricsGuard} is the door here. */
  @Get()
  @Public()
  @UseGuards(MetricsGuard)
  @ApiBearerAuth()
  @ApiProduces('text/plain')
  @ApiOperation({ summary: 'Metrics in the text format of Prometheus, for METRICS_TOKEN or an operator' })
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  scrape(): Promise<string> {
    return this.metrics.text();
  }
}
